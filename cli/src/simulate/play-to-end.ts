import {
  assertionOf,
  findLog,
  gameOf,
  isRevert,
  openGame,
  type SuretyLog,
  simulateCall,
  traceRootOf,
} from "@surety/chain";
import { nextMove, type OwnRun, toCall } from "@surety/challenger/dispute";
import type { Bundle, CommittedTrace } from "@surety/engine";
import { defenceCall, nextDefence } from "@surety/oracle-node/testing";
import { FatalError, type GameId, type GameView, parseGameId, parsePhase } from "@surety/protocol";
import { lyingMove } from "./lying-challenger.ts";
import { createRecorder } from "./recorder.ts";
import type { SimulatedTransaction, Simulation } from "./result.ts";
import { answerIn, type Scene } from "./scene.ts";

export interface PlayToEndParameters {
  readonly scene: Scene;
  readonly bundle: Bundle;
  /** The challenger's run: the right one. */
  readonly own: OwnRun;
  /** The trace that the poster defends. */
  readonly posted: CommittedTrace;
  /** True when it is the challenger who lies. */
  readonly lyingChallenger: boolean;
}

export interface PlayedGame
  extends Pick<Simulation, "winner" | "layer" | "element" | "posted" | "expected" | "refusedStep"> {
  readonly transcript: readonly SimulatedTransaction[];
}

/** More turns than any game has: a game that does not end is a bug. */
const MOST_TURNS = 64;

/**
 * Answers, opens a game and makes every move that is due, each side by its own strategy, until the game is over. A side that has nothing to play
 * loses its time.
 *
 * @throws FatalError SIMULATION_STUCK; ContractRevertError
 */
export async function playToEnd(parameters: PlayToEndParameters): Promise<PlayedGame> {
  const { scene, bundle, own, posted, lyingChallenger } = parameters;
  const { evm, addresses, question, poster, challenger } = scene;
  const { chain } = evm;
  const record = createRecorder(scene);
  const outputs = bundle.header.outputs.map(({ instruction }) => instruction);
  const decide = lyingChallenger ? lyingMove : nextMove;
  let refusedStep: string | null = null;
  const output = Buffer.concat(outputs.map((instruction) => posted.tensorBytes(instruction)));
  const assertionId = await answerIn(scene, bundle, output);

  async function open(): Promise<GameId> {
    const { outputRoot } = await assertionOf(chain, addresses, assertionId);
    await record.send(
      challenger,
      openGame(addresses, { assertionId, question, outputRoot, bondWei: scene.challengeBondWei }),
    );
    const opened = findLog(record.logs, "game", "GameOpened");
    if (opened === undefined) throw new FatalError("SIMULATION_STUCK", "The game was not opened.");
    return parseGameId(opened.args.gameId);
  }

  /** The one move that is due, by whoever is to make it; false when nobody has one. */
  async function move(gameId: GameId, view: GameView): Promise<boolean> {
    const defence = nextDefence(view, posted, outputs);
    const reply = defenceCall(addresses, { gameId, assertionId, question }, bundle.header, defence);
    if (reply !== undefined) {
      await record.send(poster, reply);
      return true;
    }
    const traceRoot = await traceRootOf(chain, addresses, assertionId);
    const decided = decide({ view, traceRoot, revealed: record.revealed(), own });
    const call = toCall(addresses, gameId, bundle.header, decided);
    if (call === undefined) return false;
    try {
      await simulateCall(chain, challenger, call);
    } catch (error) {
      if (!lyingChallenger || !isRevert(error)) throw error;
      refusedStep = error.errorName;
      return false;
    }
    await record.send(challenger, call);
    return true;
  }

  const gameId = await open();
  for (let turn = 0; turn < MOST_TURNS; turn += 1) {
    const outcome = outcomeOf(record.logs);
    if (outcome !== undefined) return { ...outcome, refusedStep, transcript: record.transcript };
    const view = await gameOf(chain, addresses, gameId);
    if (await move(gameId, view)) continue;
    const { timestamp } = await chain.client.getBlock();
    await evm.advance(Math.max(1, view.turnEndsAt - Number(timestamp) + 1));
  }
  throw new FatalError(
    "SIMULATION_STUCK",
    `The game did not end in ${MOST_TURNS} turns. This is a bug in Surety.`,
  );
}

function outcomeOf(logs: readonly SuretyLog[]): Omit<PlayedGame, "transcript" | "refusedStep"> | undefined {
  const ended = findLog(logs, "game", "GameEnded");
  if (ended === undefined) return undefined;
  const judged = findLog(logs, "game", "StepJudged")?.args;
  return {
    winner: parsePhase(ended.args.outcome) === "poster-won" ? "poster" : "challenger",
    layer: judged?.instruction ?? null,
    element: judged?.element ?? null,
    posted: judged?.posted ?? null,
    expected: judged?.expected ?? null,
  };
}
