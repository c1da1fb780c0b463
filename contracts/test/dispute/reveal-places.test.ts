import type { CommittedTrace } from "@surety/engine";
import type { GameView } from "@surety/protocol";
import type { Address } from "viem";
import { describe, expect, it } from "vitest";
import { countingModel } from "../support/models.ts";
import { play, revealMove, viewOf } from "../support/players.ts";
import { type Scenario, useSurety } from "../support/scenario.ts";

const input = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 11 + (i >> 8) * 3) & 0xff);

/** A game played on until `until`, by a challenger that believes `own`. */
async function playTo(
  scenario: Scenario,
  gameId: bigint,
  posterAddress: Address,
  { own, poster, until }: { own: CommittedTrace; poster: CommittedTrace; until: (view: GameView) => boolean },
): Promise<GameView> {
  await play(scenario.surety, scenario.knows(poster, own), { gameId, posterAddress, until });
  return viewOf(scenario.surety, gameId);
}

/** A liar that could pass off one reveal as another would let the challenger's clock run without showing what it disputes. */
describe("DisputeGame: a reveal serves its own place and no other", () => {
  const scenario = useSurety(countingModel(140, 5_000), input);
  const lie = scenario.lie(
    { instruction: 3, byte: 17 },
    { instruction: 3, byte: 4_990 },
    { instruction: 66, byte: 100 },
  );
  const upTo = (...lies: readonly { instruction: number; byte: number }[]) => scenario.lie(...lies);

  /** The same place twice, but for what tells the two apart: a reveal in the first must leave the second owing. */
  const requireSeparate = async (
    poster: Address,
    [firstId, first]: readonly [bigint, GameView],
    [secondId, second]: readonly [bigint, GameView],
  ) => {
    const { surety } = scenario;
    expect([first.turn, second.turn]).toEqual(["poster", "poster"]);
    await surety.send({ from: poster, ...revealMove(surety, lie, firstId, first) });
    expect((await viewOf(surety, firstId)).turn).toBe("challenger");
    expect((await viewOf(surety, secondId)).turn).toBe("poster");
    await surety.send({ from: poster, ...revealMove(surety, lie, secondId, second) });
    expect((await viewOf(surety, secondId)).turn).toBe("challenger");
  };

  const twoGames = async () => {
    const { assertionId, poster } = await scenario.posted(lie);
    const first = await scenario.open(assertionId, lie);
    const second = await scenario.open(assertionId, lie, scenario.actors.second);
    return { poster, first, second };
  };

  it("not another tensor's", async () => {
    const { poster, first, second } = await twoGames();
    const until = ({ phase, turn }: GameView) => phase === "tensor" && turn === "poster";
    const at3 = await playTo(scenario, first, poster, { own: scenario.honest, poster: lie, until });
    const own = upTo({ instruction: 3, byte: 17 }, { instruction: 3, byte: 4_990 });
    const at66 = await playTo(scenario, second, poster, { own, poster: lie, until });
    expect([at3.instruction, at66.instruction]).toEqual([3, 66]);
    expect([at3.height, at3.position]).toEqual([at66.height, at66.position]);
    await requireSeparate(poster, [first, at3], [second, at66]);
  });

  it("not another position's, in the trace and in a tensor", async () => {
    const { poster, first, second } = await twoGames();
    const inTrace = ({ phase, turn }: GameView) => phase === "trace" && turn === "poster";
    const early = await playTo(scenario, first, poster, {
      own: scenario.honest,
      poster: lie,
      until: inTrace,
    });
    const own66 = upTo({ instruction: 3, byte: 17 }, { instruction: 3, byte: 4_990 });
    const late = await playTo(scenario, second, poster, { own: own66, poster: lie, until: inTrace });
    expect(early.height).toBe(late.height);
    expect(early.position).not.toBe(late.position);
    await requireSeparate(poster, [first, early], [second, late]);

    const atBytes = ({ phase, turn, height }: GameView) =>
      phase === "tensor" && height === 2 && turn === "poster";
    const { assertionId, poster: again } = await scenario.posted(lie);
    const third = await scenario.open(assertionId, lie);
    const fourth = await scenario.open(assertionId, lie, scenario.actors.second);
    const front = await playTo(scenario, third, again, {
      own: scenario.honest,
      poster: lie,
      until: atBytes,
    });
    const own = upTo({ instruction: 3, byte: 17 });
    const back = await playTo(scenario, fourth, again, { own, poster: lie, until: atBytes });
    expect([front.position, back.position]).toEqual([0, 4]);
    await requireSeparate(again, [third, front], [fourth, back]);
  });

  it("not another height's: a trace's node, a tensor's root and its nodes, all at position 0", async () => {
    const first = upTo({ instruction: 0, byte: 0 });
    const { assertionId, poster } = await scenario.posted(first);
    const game = await scenario.open(assertionId, first);
    const owed: string[] = [];
    await playTo(scenario, game, poster, {
      own: scenario.honest,
      poster: first,
      until: ({ phase, height, position, turn }) => {
        if (turn === "poster" && phase !== "commit") owed.push(`${phase} ${height} ${position}`);
        return false;
      },
    });
    expect(owed).toEqual(["trace 2 0", "tensor 5 0", "tensor 2 0"]);
    expect((await viewOf(scenario.surety, game)).phase).toBe("challenger-won");
  });

  it("not another assertion's, though the trees are equal", async () => {
    const one = await scenario.posted(lie);
    const other = await scenario.posted(lie);
    const first = await scenario.open(one.assertionId, lie);
    const second = await scenario.open(other.assertionId, lie, scenario.actors.second);
    const until = ({ phase, turn }: GameView) => phase === "tensor" && turn === "poster";
    const known = { own: scenario.honest, poster: lie, until };
    const here = await playTo(scenario, first, one.poster, known);
    const there = await viewOf(scenario.surety, second);
    expect(there.phase).toBe("commit");
    // Nothing of the first game may have been noted for the second.
    const later = await playTo(scenario, second, other.poster, known);
    expect(later.node).toBe(here.node);
    await requireSeparate(one.poster, [first, here], [second, later]);
  });
});
