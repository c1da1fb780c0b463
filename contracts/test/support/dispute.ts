import type { GameView } from "@surety/protocol";
import type { Address } from "viem";
import { countingModel } from "./models.ts";
import { challengerMove, play, viewOf } from "./players.ts";
import { useSurety } from "./scenario.ts";

export const PHASE = { none: 0, commit: 1, trace: 2, tensor: 3, challengerWon: 4, posterWon: 5, void: 6 };
export const TURN = { nobody: 0, poster: 1, challenger: 2, posterTimedOut: 3, challengerTimedOut: 4 };

/** 70 instructions (two reveals) of 5,000 bytes: 20 leaves, the last one short, in a tree of 32. */
export const disputedModel = countingModel(70, 5_000);
export const disputedInput = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7 + (i >> 8) * 13) & 0xff);
const LIE = { instruction: 66, byte: 4_990 };

/** A deployment, a lie, and games on it played as far as each kind of move. */
export function useDispute() {
  const scenario = useSurety(disputedModel, disputedInput);
  const lie = scenario.lie(LIE);
  const { honest } = scenario;

  const game = () => scenario.surety.game;
  const call = (name: string, args: readonly unknown[], from: Address = scenario.actors.challenger) => ({
    from,
    to: game(),
    call: name,
    args,
  });
  const read = <Result>(name: string, ...args: readonly unknown[]) =>
    scenario.surety.read<Result>(game(), name, args);
  const refused = (parameters: Parameters<typeof scenario.surety.refused>[0]) =>
    scenario.surety.refused(parameters);

  /** A lie, challenged and played until `until`. */
  const playedUntil = async (until: (view: GameView) => boolean, poster = lie) => {
    const { assertionId, poster: posterAddress, requestId } = await scenario.posted(poster);
    const gameId = await scenario.open(assertionId, poster);
    await play(scenario.surety, scenario.knows(poster), { gameId, posterAddress, until });
    return { gameId, assertionId, requestId, posterAddress, view: await viewOf(scenario.surety, gameId) };
  };
  const stages = {
    commit: () => playedUntil(({ phase }) => phase === "commit"),
    /** The poster must reveal, the challenger may pick: nodes of the trace. */
    traceNodes: () => playedUntil(({ phase }) => phase === "trace"),
    traceHidden: () => playedUntil(({ phase, turn }) => phase === "trace" && turn === "poster"),
    tensors: () =>
      playedUntil(({ phase, height, turn }) => phase === "trace" && height === 1 && turn === "challenger"),
    tensorHidden: () => playedUntil(({ phase }) => phase === "tensor"),
    tensorNodes: () => playedUntil(({ phase, turn }) => phase === "tensor" && turn === "challenger"),
    bytesHidden: () => playedUntil(({ phase, height }) => phase === "tensor" && height === 2),
    bytes: () =>
      playedUntil(({ phase, height, turn }) => phase === "tensor" && height === 2 && turn === "challenger"),
  };
  const due = (view: GameView, gameId: bigint) =>
    challengerMove(scenario.surety, scenario.knows(lie), gameId, view);

  return { scenario, lie, honest, game, call, read, refused, playedUntil, stages, due };
}
