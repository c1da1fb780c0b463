import { describe, expect, it } from "vitest";
import { hostileConsumer } from "../support/consumer.ts";
import { countingModel, outputRootOf } from "../support/models.ts";
import { challengerMove, commitMove, play, revealMove, viewOf } from "../support/players.ts";
import { smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { eventOf, eventsOf } from "../support/surety.ts";
import { burnedOf, callOf, expectNothingToHappen, purse } from "./attack.ts";

/** Weaknesses published of Optimism's FaultDisputeGame and of its portal, tried here. */
describe("published weaknesses of OP", () => {
  const model = countingModel(70, 5_000);
  const input = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 11 + (i >> 8)) & 0xff);
  const scenario = useSurety(model, input, { challengeWindowSeconds: 100 });
  const lie = scenario.lie({ instruction: 66, byte: 4_990 });
  const onGame = (call: string, args: readonly unknown[], from = scenario.actors.stranger) => ({
    from,
    to: scenario.surety.game,
    call,
    args,
  });

  // FaultDisputeGame.sol: "INVARIANT: Moves cannot be made unless the game is currently in progress"; resolution and clocks were tied to each
  // other by ethereum-optimism/optimism pull request 6199. Would succeed if `_walk` gave a finished game a turn, or `closeVoid` asked for less
  // than "void and not yet over": the winner, or a void game's challenger, would then be paid twice.
  it("OP, moves after resolution: every move ever made is refused once the game is over, and pays nothing", async () => {
    const { surety } = scenario;
    const { challenger, second } = scenario.actors;
    const { assertionId, poster } = await scenario.posted(lie);
    const won = await scenario.open(assertionId, lie);
    const opened = await surety.network.publicClient.getBlock();
    const other = await scenario.open(assertionId, lie, second);
    const moves = await scenario.play(won, lie, poster);
    await surety.send(onGame("closeVoid", [other]));
    expect(await surety.read(surety.game, "creditOf", [challenger])).toBe(
      surety.parameters.challengeBondWei +
        surety.parameters.assertionBondWei -
        burnedOf(surety, surety.parameters.assertionBondWei),
    );

    const open = await callOf(
      surety,
      await surety.network.publicClient.getTransactionReceipt({ hash: opened.transactions[0] as never }),
    );
    const made = await Promise.all(moves.map(({ receipt }) => callOf(surety, receipt)));
    const inTheOther = made
      .filter(({ call }) => call !== "commitTrace")
      .map((call) => ({
        ...call,
        from: call.from === challenger ? second : call.from,
        args: [other, ...(call.args ?? []).slice(1)],
      }));
    const ends = [won, other].flatMap((gameId) => [
      onGame("claimTimeout", [gameId]),
      onGame("closeVoid", [gameId]),
    ]);
    const errors = await expectNothingToHappen(surety, [open, ...made, ...inTheOther, ...ends]);
    expect(errors).toHaveLength(1 + made.length + inTheOther.length + 4);
    expect(new Set(errors)).toEqual(new Set(["GameExists", "NotDisputable", "WrongPhase", "NoTimeout"]));
    expect(await viewOf(surety, won)).toMatchObject({ phase: "challenger-won" });
  });

  // ethereum-optimism/optimism pull request 10182 ("Clock extensions"), specs pull request 161: whoever moved in the last second left the
  // other side, whose clock it had inherited, no time. Would succeed if a turn began with what is left of the clock alone
  // (`GameClock._atLeast`).
  it("OP, last-second moves: a side that is answered late still has its extension, and wins", async () => {
    const { surety, honest } = scenario;
    const { challenger } = scenario.actors;
    const { extensionSeconds, clockSeconds } = surety.parameters;
    const { assertionId, poster } = await scenario.posted(lie);
    const honestPurse = await purse(surety, challenger);
    const gameId = await scenario.open(assertionId, lie);
    const openedAt = await surety.now();
    let shortest = Number.POSITIVE_INFINITY;
    for (;;) {
      const view = await viewOf(surety, gameId);
      if (view.phase === "challenger-won") break;
      const now = await surety.now();
      if (view.turn === "poster") {
        const move =
          view.phase === "commit"
            ? commitMove(surety, scenario.knows(lie), lie, assertionId)
            : revealMove(surety, lie, gameId, view);
        await surety.send({ ...move, from: poster, time: view.turnEndsAt });
      } else {
        shortest = Math.min(shortest, view.turnEndsAt - now);
        // The honest side has been made to spend its clock first, so that only the extension is left.
        const move = challengerMove(surety, scenario.knows(lie, honest), gameId, view);
        await surety.send({ ...move, from: challenger, time: view.turnEndsAt });
      }
    }
    expect(shortest).toBe(extensionSeconds);
    expect(shortest).toBeLessThan(clockSeconds);
    expect((await surety.now()) - openedAt).toBeLessThanOrEqual(
      Number(await surety.read<bigint>(surety.game, "maxGameSeconds")),
    );
    const { assertionBondWei } = surety.parameters;
    expect(await honestPurse.gained()).toBe(assertionBondWei - burnedOf(surety, assertionBondWei));
  });

  // ethereum-optimism/optimism pull request 10520: a move named its parent by index alone, so that after a reorg it met another claim. Would
  // succeed if `open` did not name the root, or the moves not the node: the challenger's bond would stand against a right answer.
  it("OP, reorg retarget: moves meant for a lie are refused when the number is given to the truth", async () => {
    const { surety, honest } = scenario;
    const { challenger } = scenario.actors;
    const { requestId, assignee } = await scenario.request();
    const assertionId = requestId * 256n;
    const answer = (trace: typeof lie) => ({
      from: assignee,
      to: surety.oracle,
      call: "post",
      args: [requestId, scenario.question, scenario.outputOf(trace)],
    });
    const fork = await surety.snapshot();
    await surety.send(answer(lie));
    const openReceipt = await surety.send({
      ...onGame("open", [assertionId, scenario.question, outputRootOf(model, lie)], challenger),
      valueWei: surety.parameters.challengeBondWei,
    });
    const open = await callOf(surety, openReceipt);
    const gameId = eventOf(openReceipt, "GameOpened").gameId as bigint;
    const moves = await scenario.play(gameId, lie, assignee);
    const calls = await Promise.all(moves.map(({ receipt }) => callOf(surety, receipt)));
    await surety.revert(fork);

    // The same block again, in which the node answers rightly and someone has a game on it already.
    await surety.send(answer(honest));
    const rightRoot = [assertionId, scenario.question, outputRootOf(model, honest)];
    await surety.send({
      ...onGame("open", rightRoot, scenario.actors.second),
      valueWei: surety.parameters.challengeBondWei,
    });
    const own = await purse(surety, challenger);
    const errors = await expectNothingToHappen(surety, [
      open,
      ...calls.filter(({ call }) => call !== "commitTrace"),
    ]);
    expect(errors[0]).toBe("HashMismatch");
    expect(new Set(errors.slice(1))).toEqual(new Set(["UnknownGame"]));
    // Nor do they pass in a game of its own on the truth.
    const mine = await surety.send({
      ...onGame("open", rightRoot, challenger),
      valueWei: surety.parameters.challengeBondWei,
    });
    const mineId = eventOf(mine, "GameOpened").gameId as bigint;
    await surety.send({
      from: assignee,
      ...commitMove(surety, scenario.knows(honest), honest, assertionId),
    });
    const retargeted = calls
      .filter(({ from }) => from === challenger)
      .map((call) => ({ ...call, args: [mineId, ...(call.args ?? []).slice(1)] }));
    const retargetedErrors = await expectNothingToHappen(surety, retargeted);
    expect(new Set(retargetedErrors)).toEqual(new Set(["HashMismatch"]));
    expect(await own.gained()).toBe(-surety.parameters.challengeBondWei);
  });

  it("OP, 63/64: a game ends wholly or not at all, whatever gas its last move is given", async () => {
    const { surety } = scenario;
    const { assertionId, poster } = await scenario.posted(lie);
    const gameId = await scenario.open(assertionId, lie);
    const { turnEndsAt } = await viewOf(surety, gameId);
    const outcomes = { ended: 0, refused: 0 };
    for (let gas = 30_000; gas <= 300_000; gas += 9_000) {
      const id = await surety.snapshot();
      const { receipt } = await surety
        .attempt({ ...onGame("claimTimeout", [gameId]), gas: BigInt(gas), time: turnEndsAt + 1 })
        .catch(() => ({ receipt: undefined }));
      const { jailed } = await surety.read<{ jailed: boolean }>(surety.operators, "operatorOf", [poster]);
      const { phase } = await viewOf(surety, gameId);
      const { attempt } = await surety.read<{ attempt: number }>(surety.oracle, "requestOf", [
        assertionId / 256n,
      ]);
      const ended = receipt !== undefined;
      outcomes[ended ? "ended" : "refused"]++;
      // A slash that failed inside a move that went on would show here.
      expect({ jailed, won: phase === "challenger-won", attempt }).toEqual({
        jailed: ended,
        won: ended,
        attempt: ended ? 1 : 0,
      });
      await surety.revert(id);
    }
    expect(outcomes.ended).toBeGreaterThan(3);
    expect(outcomes.refused).toBeGreaterThan(3);
  });

  // ethereum-optimism/optimism issue 9249: resolving a claim cost gas by the number of its counters, so that enough of them blocked it for ever.
  // Would succeed if winning walked the other games.
  it("OP, resolution that grows with the counters: winning costs no more gas beside 16 games", async () => {
    const { surety } = scenario;
    const gasOfWinning = async (games: number) => {
      const id = await surety.snapshot();
      const { assertionId } = await scenario.posted(lie);
      const gameId = await scenario.open(assertionId, lie);
      for (const from of surety.accounts.slice(4, 3 + games)) await scenario.open(assertionId, lie, from);
      const { turnEndsAt } = await viewOf(surety, gameId);
      const { gasUsed } = await surety.send({ ...onGame("claimTimeout", [gameId]), time: turnEndsAt + 99 });
      await surety.revert(id);
      return Number(gasUsed);
    };
    expect(surety.accounts.length).toBeGreaterThanOrEqual(19);
    expect(Math.abs((await gasOfWinning(16)) - (await gasOfWinning(1)))).toBeLessThan(100);
  });

  // ethereum-optimism/optimism issue 9623 (freeloaders): who countered first, or the leftmost, took the bond that another's work had won. Would
  // succeed if anybody might step in another's game, or a step made in one game could be made in a game that has not been walked.
  it("OP, the winner front-run: a copied winning step pays its copier nothing", async () => {
    const { surety } = scenario;
    const { challenger, second: copier } = scenario.actors;
    const { assertionId, poster } = await scenario.posted(lie);
    const thief = await purse(surety, copier);
    const winner = await purse(surety, challenger);
    const gameId = await scenario.open(assertionId, lie);
    const copiersId = await scenario.open(assertionId, lie, copier);
    await play(surety, scenario.knows(lie), {
      gameId,
      posterAddress: poster,
      until: ({ phase, height, turn }) => phase === "tensor" && height <= 2 && turn === "challenger",
    });
    const step = challengerMove(surety, scenario.knows(lie), gameId, await viewOf(surety, gameId));
    expect(step.call).toBe("step");
    const copied = { ...step, from: copier };
    const errors = await expectNothingToHappen(surety, [
      copied,
      { ...copied, args: [copiersId, ...(step.args ?? []).slice(1)] },
    ]);
    expect(errors).toEqual(["NotChallenger", "HashMismatch"]);
    const receipt = await surety.send({ ...step, from: challenger });
    expect(eventsOf(receipt, "Refuted")).toMatchObject([{ args: { challenger } }]);
    await surety.send(onGame("closeVoid", [copiersId], copier));
    expect(await thief.gained()).toBe(0n);
    const { assertionBondWei } = surety.parameters;
    expect(await winner.gained()).toBe(assertionBondWei - burnedOf(surety, assertionBondWei));
  });
});

/** The portal's weakness, where a callback takes what it is given to the last. */
describe("a published weakness of OP's portal", () => {
  const scenario = useSurety(smallModel, smallInput);

  // ethereum-optimism/optimism pull request 5470 (SafeCall: the worst-case gas of a CALL): a relayer that sent just too little gas made the inner
  // call run out while the outer one went on. Would succeed without `CallbackGasTooLow`: the answer would be final, its delivery lost.
  it("OP, 63/64: no amount of gas makes an answer final whose callback got less than was paid for", async () => {
    const { surety } = scenario;
    const consumer = await hostileConsumer(scenario);
    const callbackGas = 800_000;
    const { requestId, assignee } = await consumer.ask({ callbackGas });
    const args = [requestId, scenario.question, scenario.output];
    await surety.send({ from: assignee, to: surety.oracle, call: "post", args });
    const time = (await surety.now()) + surety.parameters.challengeWindowSeconds;
    const outcomes = { delivered: 0, refused: 0 };
    for (let gas = 750_000; gas <= 1_300_000; gas += 10_000) {
      const id = await surety.snapshot();
      const { receipt } = await surety
        .attempt({
          ...{ from: scenario.actors.stranger, to: surety.oracle, call: "finalise", time },
          args: [requestId, scenario.output],
          gas: BigInt(gas),
        })
        // A transaction that runs out of gas itself has no revert data.
        .catch(() => ({ receipt: undefined }));
      if (receipt === undefined) outcomes.refused++;
      else {
        outcomes.delivered++;
        expect(eventOf(receipt, "Delivered"), `with ${gas} gas`).toMatchObject({ success: true });
        expect(callbackGas - Number(await consumer.read<bigint>("gasGiven"))).toBeLessThan(3_000);
      }
      await surety.revert(id);
    }
    expect(outcomes.delivered).toBeGreaterThan(5);
    expect(outcomes.refused).toBeGreaterThan(5);
  });
});
