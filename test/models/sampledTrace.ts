import {
  type Bundle,
  bytesOf,
  evaluateElement,
  type HostTensor,
  type InputSample,
  openModel,
  outputElements,
  readStoredBits,
  tensorReader,
} from "@surety/engine";
import { expect } from "vitest";

/**
 * Traces one run and recomputes elements of every tensor by the reference, as a step on the chain would: `perTensor` of each, chosen by `random`,
 * the first and the last among them.
 *
 * @param random numbers in [0, 1)
 */
export async function compareSampledTrace(
  bundle: Bundle,
  sample: InputSample,
  perTensor: number,
  random: () => number,
): Promise<void> {
  const session = await openModel(bundle, { intraOpNumThreads: 1 });
  const trace = await session.trace(sample);
  try {
    const inputs = bundle.manifest.inputs.map(({ name }) => bytesOf(sample[name] as HostTensor));
    for (const [index, instruction] of bundle.instructions.entries()) {
      const spaces = {
        trace: (at: number) => trace.tensorBytes(at),
        weight: (at: number) => bundle.weights[at],
        input: (at: number) => inputs[at],
      };
      const readers = instruction.operands.map(({ space, index: at, dtype }) =>
        tensorReader(spaces[space](at) as Uint8Array, dtype),
      );
      const bytes = trace.tensorBytes(index);
      const count = outputElements(instruction);
      const chosen = Array.from({ length: perTensor }, () => Math.floor(random() * count));
      for (const element of new Set([0, count - 1, ...chosen])) {
        const label = `${index} ${bundle.manifest.instructions[index]?.name}, element ${element}`;
        const actual = readStoredBits(bytes, instruction.outDtype, element);
        expect([label, actual]).toEqual([label, evaluateElement(instruction, element, readers)]);
      }
    }
  } finally {
    trace.close();
    await session.release();
  }
}
