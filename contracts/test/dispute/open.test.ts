import { encodeAbiParameters, keccak256 } from "viem";
import { describe, expect, it } from "vitest";
import { disputedModel as model, PHASE, TURN, useDispute } from "../support/dispute.ts";
import { outputRootOf } from "../support/models.ts";
import { eventsOf, ZERO_HASH } from "../support/surety.ts";

describe("DisputeGame: opening", () => {
  const { scenario, lie, honest, call, read, refused } = useDispute();

  describe("open", () => {
    it("takes the bond and waits for the poster's commitment", async () => {
      const { surety } = scenario;
      const { challenger } = scenario.actors;
      const { assertionId } = await scenario.posted(lie);
      const bondWei = surety.parameters.challengeBondWei;
      const receipt = await surety.send({
        ...call("open", [assertionId, scenario.question, outputRootOf(model, lie)]),
        valueWei: bondWei,
      });
      const args = [assertionId, scenario.question, outputRootOf(model, lie), challenger];
      const types = ["uint256", "bytes32", "bytes32", "address"].map((type) => ({ type }));
      const gameId = BigInt(keccak256(encodeAbiParameters(types, args)));
      expect(await read("gameIdOf", ...args)).toBe(gameId);
      expect(eventsOf(receipt)).toMatchObject([
        { name: "GameOpened", args: { gameId, assertionId, challenger } },
      ]);
      expect(await read("gameOf", gameId)).toEqual({
        assertionId,
        challenger,
        phase: PHASE.commit,
        turn: TURN.poster,
        turnEndsAt: (await surety.now()) + surety.parameters.clockSeconds,
        posterSecondsLeft: surety.parameters.clockSeconds,
        challengerSecondsLeft: surety.parameters.clockSeconds,
        node: ZERO_HASH,
        height: 0,
        position: 0,
        instruction: 0,
        instructionHash: ZERO_HASH,
        tensorBytes: 0,
        elementBytes: 0,
        bondWei,
      });
      expect(await surety.read(surety.oracle, "assertionOf", [assertionId])).toMatchObject({ openGames: 1 });
      expect(await surety.balance(surety.addresses.game)).toBe(bondWei);
    });

    it("with another bond reverts WrongBond", async () => {
      const { assertionId } = await scenario.posted(lie);
      const bondWei = scenario.surety.parameters.challengeBondWei;
      for (const valueWei of [bondWei - 1n, bondWei + 1n]) {
        const open = call("open", [assertionId, scenario.question, outputRootOf(model, lie)]);
        expect(await refused({ ...open, valueWei })).toEqual({
          error: "WrongBond",
          args: [valueWei, bondWei],
        });
      }
    });

    const bonded = (args: readonly unknown[]) => ({
      ...call("open", args),
      valueWei: scenario.surety.parameters.challengeBondWei,
    });

    it("naming another output root reverts HashMismatch: a reorg cannot retarget it", async () => {
      const { assertionId } = await scenario.posted(lie);
      expect(await refused(bonded([assertionId, scenario.question, outputRootOf(model, honest)]))).toEqual({
        error: "HashMismatch",
        args: [outputRootOf(model, honest), outputRootOf(model, lie)],
      });
    });

    it("naming another question reverts QuestionMismatch: a reorg cannot turn it on a right answer", async () => {
      const { assertionId } = await scenario.posted(lie);
      expect(await refused(bonded([assertionId, ZERO_HASH, outputRootOf(model, lie)]))).toEqual({
        error: "QuestionMismatch",
        args: [ZERO_HASH, scenario.question],
      });
    });

    it("a second time by the same challenger reverts GameExists, also when the first game is over", async () => {
      const { surety } = scenario;
      const { assertionId } = await scenario.posted(honest);
      const gameId = await scenario.open(assertionId, honest);
      const again = bonded([assertionId, scenario.question, outputRootOf(model, honest)]);
      expect(await refused(again)).toEqual({ error: "GameExists", args: [gameId] });
      expect(await surety.read(surety.oracle, "assertionOf", [assertionId])).toMatchObject({ openGames: 1 });
    });

    it("of an unknown assertion reverts UnknownAssertion", async () => {
      expect(await refused(bonded([256n, ZERO_HASH, ZERO_HASH]))).toEqual({
        error: "UnknownAssertion",
        args: [256n],
      });
    });

    it("is possible to the window's last second and not after it", async () => {
      const { assertionId } = await scenario.posted(lie);
      const windowEndsAt = (await scenario.surety.now()) + scenario.surety.parameters.challengeWindowSeconds;
      const open = bonded([assertionId, scenario.question, outputRootOf(model, lie)]);
      await scenario.surety.send({ ...open, time: windowEndsAt - 1 });
      const late = { ...open, from: scenario.actors.second, time: windowEndsAt };
      expect(await refused(late)).toEqual({
        error: "WindowClosed",
        args: [BigInt(windowEndsAt)],
      });
    });

    it("of a refuted assertion reverts AlreadyRefuted", async () => {
      const { assertionId, poster } = await scenario.posted(lie);
      const gameId = await scenario.open(assertionId, lie);
      await scenario.play(gameId, lie, poster);
      const again = bonded([assertionId, scenario.question, outputRootOf(model, lie)]);
      expect(await refused({ ...again, from: scenario.actors.second })).toEqual({
        error: "AlreadyRefuted",
        args: [assertionId],
      });
    });
  });
});
