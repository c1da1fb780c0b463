import type { Address } from "viem";
import { describe, expect, it } from "vitest";
import { countingModel } from "../support/models.ts";
import { challengerMove, commitMove, revealMove, viewOf } from "../support/players.ts";
import { useSurety } from "../support/scenario.ts";
import type { CallParameters } from "../support/surety.ts";
import { burnedOf, purse } from "./attack.ts";

/** Weaknesses published of Arbitrum's BoLD, tried here. */
describe("published weaknesses of BoLD", () => {
  const model = countingModel(70, 5_000);
  const input = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 5 + (i >> 8) * 3) & 0xff);
  const scenario = useSurety(model, input);
  const lie = scenario.lie({ instruction: 66, byte: 4_990 });

  /** Plays a game to its end; whoever `overtakes` sends each move first, as its own. */
  const playOvertaken = async (overtaker?: Address) => {
    const { surety } = scenario;
    const { challenger } = scenario.actors;
    const { assertionId, poster } = await scenario.posted(lie);
    const honest = await purse(surety, challenger);
    const plot = overtaker && (await purse(surety, overtaker));
    const tried = { accepted: 0, refused: 0 };
    /** In the second of the honest transaction, mined before it. */
    const overtake = async (call: Omit<CallParameters, "from">) => {
      if (overtaker === undefined) return;
      const { error } = await surety.attempt({ ...call, from: overtaker });
      tried[error === undefined ? "accepted" : "refused"]++;
    };
    const bond = { valueWei: surety.parameters.challengeBondWei };
    await overtake({
      to: surety.game,
      call: "open",
      args: [assertionId, scenario.question, await rootOf(assertionId)],
      ...bond,
    });
    const gameId = await scenario.open(assertionId, lie);
    const openedAt = await surety.now();
    for (let moves = 0; ; moves++) {
      const view = await viewOf(surety, gameId);
      if (view.phase === "challenger-won") {
        return {
          moves,
          seconds: (await surety.now()) - openedAt,
          gained: await honest.gained(),
          plotGained: (await plot?.gained()) ?? 0n,
          tried,
        };
      }
      const byPoster = view.turn === "poster";
      const move = !byPoster
        ? challengerMove(surety, scenario.knows(lie), gameId, view)
        : view.phase === "commit"
          ? commitMove(surety, scenario.knows(lie), lie, assertionId)
          : revealMove(surety, lie, gameId, view);
      await overtake(move);
      const from = byPoster ? poster : challenger;
      const { error } = await surety.attempt({ ...move, from });
      // A reveal that someone else made serves as well: the turn has passed on. Nothing else of an honest party's may fail.
      if (error !== undefined) expect([byPoster, error]).toEqual([true, "AlreadyRevealed"]);
    }
  };
  const rootOf = async (assertionId: bigint) =>
    (
      await scenario.surety.read<{ outputRoot: `0x${string}` }>(scenario.surety.oracle, "assertionOf", [
        assertionId,
      ])
    ).outputRoot;

  // Front-running: an action that may be made once by anybody is made first by an adversary, so that the honest transaction reverts and its sender
  // must begin anew. A class in the findings on BoLD's staking pools and edges (Code4rena, "Arbitrum BoLD", report of 2024-06-17). Would succeed if
  // a game were identified without its challenger, or a reveal belonged to whoever made it.
  it("BoLD, front-run stalls: overtaking each honest transaction delays nothing and costs its sender nothing", async () => {
    const { surety } = scenario;
    const id = await surety.snapshot();
    const alone = await playOvertaken();
    await surety.revert(id);
    const overtaken = await playOvertaken(scenario.actors.second);
    const { assertionBondWei, challengeBondWei } = surety.parameters;
    expect(alone.gained).toBe(assertionBondWei - burnedOf(surety, assertionBondWei));
    expect(overtaken.gained).toBe(alone.gained);
    // The overtaker's bond lies in its own game, void now: it has gained nothing.
    expect(overtaken.plotGained).toBe(-challengeBondWei);
    // Each overtaking transaction takes a second here; nothing more is lost.
    expect(overtaken.seconds).toBeLessThanOrEqual(2 * alone.seconds + 1);
    expect(overtaken.moves).toBeLessThanOrEqual(alone.moves);
    // It did open and reveal, and was refused all the others.
    expect(overtaken.tried.accepted).toBeGreaterThanOrEqual(3);
    expect(overtaken.tried.refused).toBeGreaterThanOrEqual(3);
  });

  // Delay attacks: an adversary that is willing to lose bonds stalls confirmation once for each (E. Felten, "Solutions to delay attacks on rollups",
  // Offchain Labs, the reason BoLD was made). Would succeed if a game could be opened after the window, or games were played one after another.
  it("BoLD, delay by losing games one after another: eight idle games stall no longer than one, and each costs its bond", async () => {
    const { surety, honest } = scenario;
    const { challengeWindowSeconds, challengeBondWei } = surety.parameters;
    const rivals = surety.accounts.slice(6, 14);
    expect(rivals).toHaveLength(8);
    const { requestId, assertionId, poster } = await scenario.posted(honest);
    const plot = await purse(surety, ...rivals);
    const answerer = await purse(surety, poster);
    const postedAt = await surety.now();
    for (const from of rivals) await scenario.open(assertionId, honest, from);
    await surety.send({ from: poster, ...commitMove(surety, scenario.knows(honest), honest, assertionId) });
    const late = {
      from: scenario.actors.second,
      to: surety.game,
      call: "open",
      args: [assertionId, scenario.question, await rootOf(assertionId)],
      valueWei: challengeBondWei,
      time: postedAt + challengeWindowSeconds,
    };
    expect(await surety.refused(late)).toMatchObject({ error: "WindowClosed" });
    const bound = Number(await surety.read<bigint>(surety.game, "maxGameSeconds"));
    for (const from of rivals) {
      const gameId = await surety.read<bigint>(surety.game, "gameIdOf", [
        assertionId,
        scenario.question,
        await rootOf(assertionId),
        from,
      ]);
      const { turnEndsAt } = await viewOf(surety, gameId);
      expect(turnEndsAt).toBeLessThanOrEqual(postedAt + challengeWindowSeconds + bound);
      const time = Math.max(turnEndsAt, await surety.now()) + 1;
      await surety.send({ from: poster, to: surety.game, call: "claimTimeout", args: [gameId], time });
    }
    await surety.send({
      from: poster,
      to: surety.oracle,
      call: "finalise",
      args: [requestId, scenario.output],
    });
    expect((await surety.now()) - postedAt).toBeLessThanOrEqual(challengeWindowSeconds + bound);
    expect(await plot.gained()).toBe(-8n * challengeBondWei);
    const share = challengeBondWei - burnedOf(surety, challengeBondWei);
    expect(await answerer.gained()).toBe(8n * share + scenario.feeOf());
  });
});
