import { assertionOf, findLog, gameOf, openGame, traceRootOf } from "@surety/chain";
import { evaluateRun, nextMove, splitInput, toCall } from "@surety/challenger/dispute";
import { CommittedTrace, inputsToBytes, loadBundle, readInputs } from "@surety/engine";
import { FatalError, type GameView, parseGameId, parsePhase } from "@surety/protocol";
import { lyingMove } from "./lying-challenger.ts";
import { defenceCall, nextDefence } from "@surety/oracle-node/testing";
import { createRecorder } from "./recorder.ts";
import { type Simulation, totalsOf } from "./result.ts";
import { openScene } from "./scene.ts";
import { type Tamper, tamperedTrace } from "./tamper.ts";

export interface SimulateDisputeParameters {
  readonly bundleDir: string;
  /** Input file or directory; the first sample is taken. */
  readonly input: string;
  readonly tamper: Tamper;
}

/** More moves than any game has: a game that does not end is a bug. */
const MOST_TURNS = 64;

/**
 * Plays one whole dispute between a liar in this process and the real challenger's strategy, against the real contracts on an EVM in this
 * process. With `tamper: "none"` the poster is honest and the challenger is the liar.
 *
 * @example
 * const { winner, gas } = await simulateDispute({ bundleDir: "mnist.bundle", input: "digit.pb", tamper: { layer: 2, element: 40 } });
 *
 * @throws UsageError TAMPER_INVALID; what the engine throws for the bundle and the input
 */
export async function simulateDispute(parameters: SimulateDisputeParameters): Promise<Simulation> {
  const { tamper } = parameters;
  const bundle = loadBundle(parameters.bundleDir);
  const [sample] = readInputs(parameters.input, bundle.manifest.inputs);
  if (sample === undefined) throw new FatalError("INPUT_EMPTY", `${parameters.input} holds no samples.`);
  const input = Buffer.concat(inputsToBytes(bundle, sample));

  const own = evaluateRun(bundle, input);
  const honest = bundle.instructions.map((_, index) => own.trace.tensorBytes(index));
  const inputs = splitInput(bundle.header.inputBytes, input);
  const lie = tamperedTrace(bundle, inputs, honest, tamper);
  const trace = new CommittedTrace(lie.trace);
  const outputs = bundle.header.outputs.map(({ instruction }) => instruction);
  const output = Buffer.concat(outputs.map((instruction) => trace.tensorBytes(instruction)));

  const scene = await openScene({ bundle, input, output });
  const { evm, addresses, assertionId, poster, challenger } = scene;
  try {
    const { chain } = evm;
    const record = createRecorder(scene);
    const { outputRoot } = await assertionOf(chain, addresses, assertionId);
    await record.send(challenger, openGame(addresses, assertionId, outputRoot, scene.challengeBondWei));
    const opened = findLog(record.logs, "game", "GameOpened");
    if (opened === undefined) throw new FatalError("SIMULATION_STUCK", "The game was not opened.");
    const gameId = parseGameId(opened.args.gameId);
    const decide = tamper === "none" ? lyingMove : nextMove;

    /** Makes the one move that is due, by whoever is to make it; false when nobody can move. */
    async function makeMove(view: GameView): Promise<boolean> {
      const defence = defenceCall(
        addresses,
        assertionId,
        gameId,
        bundle.header,
        nextDefence(view, trace, outputs),
      );
      if (defence !== undefined) {
        await record.send(poster, defence);
        return true;
      }
      const traceRoot = await traceRootOf(chain, addresses, assertionId);
      const move = decide({ view, traceRoot, revealed: record.revealed(), own });
      const call = toCall(addresses, gameId, bundle.header, move);
      if (call === undefined) return false;
      await record.send(challenger, call);
      return true;
    }

    for (let turn = 0; turn < MOST_TURNS; turn += 1) {
      const ended = findLog(record.logs, "game", "GameEnded");
      if (ended !== undefined) {
        const judged = findLog(record.logs, "game", "StepJudged")?.args;
        return {
          winner: parsePhase(ended.args.outcome) === "poster-won" ? "poster" : "challenger",
          layer: judged?.instruction ?? null,
          element: judged?.element ?? null,
          posted: judged?.posted ?? null,
          expected: judged?.expected ?? null,
          masked: lie.masked,
          ...totalsOf(record.transcript),
        };
      }
      const view = await gameOf(chain, addresses, gameId);
      if (await makeMove(view)) continue;
      // Whoever is to move has nothing to play: its clock runs out, and the other side claims.
      const { timestamp } = await chain.client.getBlock();
      await evm.advance(Math.max(1, view.turnEndsAt - Number(timestamp) + 1));
    }
    throw new FatalError(
      "SIMULATION_STUCK",
      `The game did not end in ${MOST_TURNS} turns. This is a bug in Surety.`,
    );
  } finally {
    await evm.close();
  }
}
