import { assertionOf, claimTimeout, DEVNET_PARAMETERS, decodeLogs, findLog, openGame } from "@surety/chain";
import { devAccount } from "@surety/chain/testing";
import { questionAsked } from "@surety/engine";
import { parseGameId } from "@surety/protocol";
import { openScene } from "@surety/service/testing";
import { expect, it, onTestFinished } from "vitest";
import { createTestPoster } from "../../../challenger/src/testing/test-poster.ts";
import { describeDispute, describeDisputes } from "./describe-dispute.ts";
import { gameHex, readDispute, readDisputes } from "./read-disputes.ts";

it("reads a dispute from the chain while it lives, its clocks too, and when it is over", async () => {
  const scene = await openScene({
    challengeWindowSeconds: 600,
    clockSeconds: 120,
    unbondingSeconds: 100_000,
  });
  onTestFinished(() => scene.close());
  const { chain, addresses, bundle } = scene;
  const place = { chain, addresses, startBlock: addresses.fromBlock };
  expect(await readDisputes(place)).toEqual([]);

  const input = scene.input(0);
  const poster = createTestPoster({ ...scene, transactions: scene.sender(1) });
  await poster.join(DEVNET_PARAMETERS.minStakeWei);
  const trace = poster.trace(input);
  const assertionId = await poster.post(await scene.ask(input, 100_000), trace);
  const { outputRoot } = await assertionOf(chain, addresses, assertionId);
  const question = questionAsked(bundle, input);
  const bondWei = DEVNET_PARAMETERS.challengeBondWei;
  const receipt = await scene
    .sender(7)
    .send(openGame(addresses, { assertionId, question, outputRoot, bondWei }));
  const gameId = findLog(decodeLogs(addresses, receipt.logs), "game", "GameOpened")?.args.gameId ?? 0n;
  await poster.defend(parseGameId(gameId), assertionId, trace);

  const [live] = await readDisputes(place);
  expect(live).toMatchObject({
    ...{ gameId, assertionId, modelId: bundle.modelId, challenger: devAccount(7).address },
    poster: devAccount(1).address,
    clock: { phase: "trace", turn: "challenger", posterSecondsLeft: expect.any(Number) },
  });
  expect(live?.moves.map(({ move, by }) => [move, by])).toEqual([
    ["open", devAccount(7).address.toLowerCase()],
    ["commitTrace", devAccount(1).address.toLowerCase()],
  ]);
  expect(live?.clock?.secondsLeft).toBeGreaterThan(100);
  expect(describeDisputes(live ? [live] : [])).toContain("challenger to move");

  await scene.advance(200);
  await scene.sender(8).send(claimTimeout(addresses, parseGameId(gameId)));
  const over = await readDispute(place, gameHex(gameId).slice(0, 10));
  expect(over).toMatchObject({ ended: { outcome: "poster-won" } });
  expect(over).not.toHaveProperty("clock");
  expect(over.gas).toBe(over.moves.reduce((sum, { gas }) => sum + gas, 0));
  // By the answer's number too.
  expect(await readDispute(place, String(assertionId))).toEqual(over);
  expect(describeDispute(over)).toMatch(/2 +poster +commitTrace[\s\S]*poster-won: /);
  await expect(readDispute(place, "0x0000")).rejects.toMatchObject({ code: "DISPUTE_UNKNOWN" });
}, 120_000);
