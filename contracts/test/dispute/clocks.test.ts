import { describe, expect, it } from "vitest";
import { countingModel } from "../support/models.ts";
import { challengerMove, commitMove, revealMove, viewOf } from "../support/players.ts";
import { useSurety } from "../support/scenario.ts";
import { eventOf, eventsOf, ZERO_ADDRESS } from "../support/surety.ts";

/** Two reveals of the trace, one of a tensor, then bytes: four turns a side. */
const model = countingModel(70, 5_000);
const input = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7 + (i >> 8) * 13) & 0xff);
const CLOCK = 60;
const EXTENSION = 10;

describe("DisputeGame: clocks", () => {
  const scenario = useSurety(model, input, { clockSeconds: CLOCK, extensionSeconds: EXTENSION });
  const lie = scenario.lie({ instruction: 66, byte: 4_990 });

  /** A game just opened on a lie, with moves that are made so many seconds after the last. */
  const opened = async (poster = lie, own = scenario.honest) => {
    const { surety } = scenario;
    const { assertionId, poster: posterAddress, requestId } = await scenario.posted(poster);
    const gameId = await scenario.open(assertionId, poster);
    const view = () => viewOf(surety, gameId);
    const at = async (seconds: number) => (await surety.now()) + seconds;
    return {
      gameId,
      assertionId,
      requestId,
      posterAddress,
      view,
      commit: async (seconds: number) =>
        surety.send({
          from: posterAddress,
          ...commitMove(surety, scenario.knows(poster), poster, assertionId),
          time: await at(seconds),
        }),
      reveal: async (seconds: number) =>
        surety.send({
          from: posterAddress,
          ...revealMove(surety, poster, gameId, await view()),
          time: await at(seconds),
        }),
      move: async (seconds: number) =>
        surety.send({
          from: scenario.actors.challenger,
          ...challengerMove(surety, scenario.knows(poster, own), gameId, await view()),
          time: await at(seconds),
        }),
      claim: async (seconds: number) => ({
        from: scenario.actors.stranger,
        to: surety.game,
        call: "claimTimeout",
        args: [gameId],
        time: await at(seconds),
      }),
      wait: async (seconds: number) => {
        await surety.network.testClient.setNextBlockTimestamp({ timestamp: BigInt(await at(seconds)) });
        await surety.network.testClient.mine({ blocks: 1 });
      },
    };
  };

  it("each side has a clock that runs in its turn only", async () => {
    const game = await opened();
    await game.commit(7);
    expect(await game.view()).toMatchObject({
      turn: "challenger",
      posterSecondsLeft: 53,
      challengerSecondsLeft: 60,
    });
    await game.move(11);
    expect(await game.view()).toMatchObject({
      turn: "poster",
      posterSecondsLeft: 53,
      challengerSecondsLeft: 49,
    });
    await game.reveal(20);
    expect(await game.view()).toMatchObject({
      turn: "challenger",
      posterSecondsLeft: 33,
      challengerSecondsLeft: 49,
    });
    await game.move(9);
    expect(await game.view()).toMatchObject({
      turn: "poster",
      posterSecondsLeft: 33,
      challengerSecondsLeft: 40,
    });
  });

  it("a move in a side's last second is accepted, one second later it is refused", async () => {
    const { surety } = scenario;
    const game = await opened();
    const id = await surety.snapshot();
    const openedAt = await surety.now();
    expect(await game.view()).toMatchObject({ turnEndsAt: openedAt + CLOCK });
    await game.commit(CLOCK);
    expect(await game.view()).toMatchObject({
      turn: "challenger",
      posterSecondsLeft: 0,
      challengerSecondsLeft: CLOCK,
    });
    await game.move(CLOCK);
    expect(await game.view()).toMatchObject({ turn: "poster", challengerSecondsLeft: 0 });
    await surety.revert(id);

    await game.commit(1);
    const selection = challengerMove(surety, scenario.knows(lie), game.gameId, await game.view());
    const time = (await surety.now()) + CLOCK + 1;
    expect(await surety.refused({ from: scenario.actors.challenger, ...selection, time })).toEqual({
      error: "NotYourTurn",
      args: [4],
    });
  });

  it("a turn begins with at least extensionSeconds, again and again", async () => {
    const { surety } = scenario;
    const game = await opened();
    await game.commit(CLOCK);
    await game.move(CLOCK);
    // Both clocks are empty; each turn has the extension and no more.
    expect(await game.view()).toMatchObject({ turn: "poster", turnEndsAt: (await surety.now()) + EXTENSION });
    await game.reveal(EXTENSION);
    expect(await game.view()).toMatchObject({
      turn: "challenger",
      turnEndsAt: (await surety.now()) + EXTENSION,
    });
    await game.move(EXTENSION);
    await game.reveal(EXTENSION);
    await game.move(EXTENSION);
    // What is left of an extension is not lost.
    await game.reveal(3);
    expect(await game.view()).toMatchObject({ posterSecondsLeft: 7, turn: "challenger" });
    await game.wait(EXTENSION + 1);
    expect(await game.view()).toMatchObject({ turn: "challenger-timed-out", challengerSecondsLeft: 0 });
  });

  it("the poster that is silent loses by claimTimeout, at the first second after its clock", async () => {
    const { surety } = scenario;
    const { challenger } = scenario.actors;
    const game = await opened();
    const claim = await game.claim(CLOCK);
    expect(await surety.refused(claim)).toEqual({ error: "NoTimeout", args: [1] });
    const receipt = await surety.send({ ...claim, time: (await surety.now()) + 1 });
    const { assertionBondWei, challengeBondWei, burnBps } = surety.parameters;
    const burnedWei = (assertionBondWei * BigInt(burnBps)) / 10_000n;
    expect(eventOf(receipt, "GameEnded")).toMatchObject({
      outcome: 4,
      paidWei: challengeBondWei + assertionBondWei - burnedWei,
      burnedWei,
    });
    expect(await surety.read(surety.game, "creditOf", [challenger])).toBe(
      challengeBondWei + assertionBondWei - burnedWei,
    );
    expect(await surety.read(surety.oracle, "requestOf", [game.requestId])).toMatchObject({
      status: 1,
      attempt: 1,
    });
  });

  it("the challenger that is silent loses its bond: a part is burned, the rest is the poster's", async () => {
    const { surety } = scenario;
    const game = await opened(scenario.honest);
    const burnedBefore = await surety.balance(ZERO_ADDRESS);
    await game.commit(1);
    const claim = await game.claim(CLOCK);
    expect(await surety.refused(claim)).toEqual({ error: "NoTimeout", args: [2] });
    const receipt = await surety.send({ ...claim, time: (await surety.now()) + 1 });
    const { challengeBondWei, burnBps, challengeWindowSeconds } = surety.parameters;
    const burnedWei = (challengeBondWei * BigInt(burnBps)) / 10_000n;
    const paidWei = challengeBondWei - burnedWei;
    expect(eventsOf(receipt)).toMatchObject([
      { name: "Credited", args: { account: game.posterAddress, amountWei: paidWei } },
      { name: "GameEnded", args: { gameId: game.gameId, outcome: 5, paidWei, burnedWei } },
    ]);
    expect(await surety.read(surety.game, "creditOf", [game.posterAddress])).toBe(paidWei);
    expect((await surety.balance(ZERO_ADDRESS)) - burnedBefore).toBe(burnedWei);
    expect(await surety.balance(surety.addresses.game)).toBe(paidWei);
    expect(await game.view()).toMatchObject({ phase: "poster-won", turn: "nobody" });
    // And the answer becomes final.
    await surety.send({
      from: game.posterAddress,
      to: surety.oracle,
      call: "finalise",
      args: [game.requestId, scenario.output],
      time: (await surety.now()) + challengeWindowSeconds,
    });
  });

  it("a poster that reveals after its clock ran out has lost all the same", async () => {
    const { surety } = scenario;
    const game = await opened(scenario.honest, lie);
    // The commitment is the assertion's, not this game's: it can still be made, and saves nothing.
    await game.commit(CLOCK + 1);
    expect(await game.view()).toMatchObject({ phase: "trace", turn: "poster-timed-out" });
    const selection = challengerMove(
      surety,
      scenario.knows(scenario.honest, lie),
      game.gameId,
      await game.view(),
    );
    expect(await surety.refused({ from: scenario.actors.challenger, ...selection })).toEqual({
      error: "NotYourTurn",
      args: [3],
    });
    await surety.send(await game.claim(1));
    expect(await game.view()).toMatchObject({ phase: "challenger-won" });
  });

  it("a reveal is refused once the poster's clock ran out", async () => {
    const { surety } = scenario;
    const game = await opened();
    await game.commit(1);
    await game.move(1);
    const late = {
      ...revealMove(surety, lie, game.gameId, await game.view()),
      time: (await surety.now()) + CLOCK,
    };
    expect(await surety.refused({ from: game.posterAddress, ...late })).toEqual({
      error: "NotYourTurn",
      args: [3],
    });
  });

  it("claimTimeout of a finished or unknown game is refused", async () => {
    const { surety } = scenario;
    const game = await opened();
    await surety.send(await game.claim(CLOCK + 1));
    expect(await surety.refused(await game.claim(1000))).toEqual({ error: "NoTimeout", args: [0] });
    const unknown = { from: scenario.actors.stranger, to: surety.game, call: "claimTimeout", args: [77n] };
    expect(await surety.refused(unknown)).toEqual({ error: "UnknownGame", args: [77n] });
  });

  it("at every instant exactly one side may move, or exactly claimTimeout is enabled", async () => {
    const { surety } = scenario;
    const game = await opened();
    const { challenger } = scenario.actors;
    const seen = new Set<string>();
    for (const waits of [0, 30, 40, 70, 130]) {
      for (const step of [0, 1, 2, 3, 4, 5, 6]) {
        const id = await surety.snapshot();
        for (let i = 0; i < step; i++) {
          const { phase, turn } = await game.view();
          if (phase === "commit") await game.commit(1);
          else if (turn === "poster") await game.reveal(1);
          else await game.move(1);
        }
        if (waits > 0) await game.wait(waits);
        const view = await game.view();
        const claim = { from: challenger, to: surety.game, call: "claimTimeout", args: [game.gameId] };
        const moves = {
          "poster-commit": {
            from: game.posterAddress,
            ...commitMove(surety, scenario.knows(lie), lie, game.assertionId),
          },
          poster: { from: game.posterAddress, ...revealMove(surety, lie, game.gameId, view) },
          challenger: {
            from: challenger,
            ...challengerMove(surety, scenario.knows(lie), game.gameId, { ...view, node: view.node }),
          },
          claim,
        };
        const enabled: string[] = [];
        for (const [name, move] of Object.entries(moves)) {
          // A commitment is a fact about the assertion; it is nobody's move once a clock ran out.
          if (name === "poster-commit" && view.turn !== "poster") continue;
          const inner = await surety.snapshot();
          const receipt = await surety.send(move).catch(() => undefined);
          if (receipt !== undefined) enabled.push(name);
          await surety.revert(inner);
        }
        expect(enabled, `${view.phase} ${view.turn}`).toHaveLength(1);
        seen.add(enabled[0] as string);
        await surety.revert(id);
      }
    }
    expect([...seen].sort()).toEqual(["challenger", "claim", "poster", "poster-commit"]);
  });

  it("maxGameSeconds bounds a game in which both sides use every second", async () => {
    const { surety } = scenario;
    // 20 + 24 - 2 levels in reveals of six: nine turns a side.
    const bound = Number(await surety.read<bigint>(surety.game, "maxGameSeconds"));
    expect(bound).toBe(2 * (CLOCK + 8 * EXTENSION));
    const game = await opened();
    const begun = await surety.now();
    for (;;) {
      const { phase, turn, turnEndsAt } = await game.view();
      const seconds = turnEndsAt - (await surety.now());
      if (turn === "nobody") break;
      if (phase === "commit") await game.commit(seconds);
      else if (turn === "poster") await game.reveal(seconds);
      else await game.move(seconds);
    }
    expect(await game.view()).toMatchObject({ phase: "challenger-won" });
    const used = (await surety.now()) - begun;
    expect(used).toBe(2 * (CLOCK + 3 * EXTENSION));
    expect(used).toBeLessThan(bound);
  });
});
