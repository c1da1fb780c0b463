import { evaluateRun } from "@surety/challenger/dispute";
import {
  type Bundle,
  CommittedTrace,
  inputsToBytes,
  loadBundle,
  readInputs,
  splitInput,
} from "@surety/engine";
import { FatalError } from "@surety/protocol";
import { playToEnd } from "./play-to-end.ts";
import { type Simulation, totalsOf } from "./result.ts";
import { openScene } from "./scene.ts";
import { type Tamper, tamperedTrace } from "./tamper.ts";

export interface SimulateDisputeParameters {
  readonly bundleDir: string;
  /** Input file or directory; the first sample is taken. */
  readonly input: string;
  readonly tamper: Tamper;
}

/**
 * Plays one whole dispute between a liar in this process and the real challenger's strategy, against the real contracts on an EVM in this
 * process. With `tamper: "none"` the poster is honest and the challenger is the liar.
 *
 * @example
 * const { winner, gas } = await simulateDispute({ bundleDir: "mnist.bundle", input: "digit.pb", tamper: { layer: 2, element: 40 } });
 *
 * @throws UsageError TAMPER_INVALID; FatalError SIMULATION_STUCK; what the engine throws for the bundle and the input
 */
export async function simulateDispute(parameters: SimulateDisputeParameters): Promise<Simulation> {
  const { tamper } = parameters;
  const bundle = loadBundle(parameters.bundleDir);
  const input = readInput(parameters.input, bundle);
  const own = evaluateRun(bundle, input);
  const inputs = splitInput(bundle.header.inputBytes, input);
  const lie = tamperedTrace(bundle, inputs, own.trace, tamper);
  const posted = new CommittedTrace(lie.trace);
  const outputs = bundle.header.outputs.map(({ instruction }) => posted.tensorBytes(instruction));

  const scene = await openScene({ bundle, input, output: Buffer.concat(outputs) });
  try {
    const played = await playToEnd({ scene, bundle, own, posted, lyingChallenger: tamper === "none" });
    const { transcript, ...outcome } = played;
    return { ...outcome, masked: lie.masked, ...totalsOf(transcript) };
  } finally {
    posted.close();
    await scene.evm.close();
  }
}

function readInput(path: string, bundle: Bundle): Uint8Array {
  const [sample] = readInputs(path, bundle.manifest.inputs);
  if (sample === undefined) throw new FatalError("INPUT_EMPTY", `${path} holds no samples.`);
  return Buffer.concat(inputsToBytes(bundle, sample));
}
