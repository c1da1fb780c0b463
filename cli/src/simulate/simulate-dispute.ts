import { type Bundle, inputsToBytes, loadBundle, readInputs } from "@surety/engine";
import { FatalError } from "@surety/protocol";
import type { Simulation } from "./result.ts";
import { openSimulator } from "./simulator.ts";
import type { Tamper } from "./tamper.ts";

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
  const bundle = loadBundle(parameters.bundleDir);
  const simulator = await openSimulator(bundle, readInput(parameters.input, bundle));
  try {
    return await simulator.play(parameters.tamper);
  } finally {
    await simulator.close();
  }
}

function readInput(path: string, bundle: Bundle): Uint8Array {
  const [sample] = readInputs(path, bundle.manifest.inputs);
  if (sample === undefined) throw new FatalError("INPUT_EMPTY", `${path} holds no samples.`);
  return Buffer.concat(inputsToBytes(bundle, sample));
}
