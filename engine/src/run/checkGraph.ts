import { FatalError } from "@surety/protocol";
import type { ElementType } from "../onnx/tensor.ts";
import type { Bundle } from "./bundle.ts";
import { evaluateProgram } from "./evaluateProgram.ts";
import { type OpenModelParameters, openModel } from "./session.ts";

/**
 * Runs the bundle's graph on onnxruntime and its program on inputs that saturate, and refuses when one byte of one tensor differs. The
 * chain referees the program, onnxruntime answers with the graph: a node that serves a bundle whose two forms differ is slashed for an
 * honest run.
 *
 * Finds a wrong compiler, a wrong onnxruntime and kernels that are not exact on this CPU. It cannot find a graph made to differ on inputs
 * that only its author knows: whoever takes bundles from strangers compiles the model again.
 *
 * @throws FatalError GRAPH_MISMATCH; those of openModel
 */
export async function requireGraphMatches(
  bundle: Bundle,
  parameters: OpenModelParameters = {},
): Promise<void> {
  const session = await openModel(bundle, parameters);
  try {
    for (const [probe, input] of probeInputs(bundle)) {
      const expected = evaluateProgram(bundle, input);
      const outputs = await session.run(input);
      for (const [number, { instruction }] of bundle.header.outputs.entries()) {
        const name = bundle.manifest.outputs[number]?.name ?? `${number}`;
        requireSame(expected.tensorBytes(instruction), outputs[number], `output "${name}"`, probe);
      }
      const trace = await session.trace(input);
      for (const [index, { name }] of bundle.manifest.instructions.entries()) {
        const what = `instruction ${index} (${name})`;
        requireSame(expected.tensorBytes(index), trace.tensorBytes(index), what, probe);
      }
      expected.close();
      trace.close();
    }
  } finally {
    await session.release();
  }
}

function requireSame(
  expected: Uint8Array,
  actual: Uint8Array | undefined,
  what: string,
  probe: string,
): void {
  if (actual !== undefined && Buffer.compare(expected, actual) === 0) return;
  throw new FatalError(
    "GRAPH_MISMATCH",
    `onnxruntime and the program differ in ${what} on ${probe} inputs: answers by this bundle would be slashed. Compile the model again on this machine.`,
  );
}

/** Inputs by name, the same every time. */
function* probeInputs(bundle: Bundle): Generator<[string, Uint8Array]> {
  for (const [name, numbers] of Object.entries(PROBES)) {
    const random = randomWords(bundle.instructions.length + 1);
    const parts = bundle.manifest.inputs.map(({ dtype }, index) =>
      probeBytes(dtype, bundle.header.inputBytes[index] ?? 0, () => numbers(random)),
    );
    yield [name, Buffer.concat(parts)];
  }
}

const LARGEST = 3.4028234663852886e38;
const ODDITIES = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -0,
  1e-45,
  LARGEST,
  -LARGEST,
];

const PROBES: Readonly<Record<string, (random: () => number) => number>> = {
  // After quantisation 0 or 255 everywhere: the largest sums, and pairs that 16-bit multipliers saturate on.
  saturating: (random) => (random() < 2 ** 31 ? -LARGEST : LARGEST),
  largest: () => LARGEST,
  ordinary: spread,
  odd: (random) => (random() % 4 === 0 ? (ODDITIES[random() % ODDITIES.length] as number) : spread(random)),
};

/** Either sign, magnitudes from 2^-10 to 2^10: whatever the range that a model was calibrated on. */
function spread(random: () => number): number {
  const magnitude = 2 ** ((random() / 2 ** 32) * 20 - 10);
  return random() < 2 ** 31 ? -magnitude : magnitude;
}

function probeBytes(dtype: ElementType, length: number, next: () => number): Uint8Array {
  if (dtype === "f32") return new Uint8Array(Float32Array.from({ length: length / 4 }, next).buffer);
  return Uint8Array.from({ length }, () => Math.abs(next()) & 0xff);
}

/** xorshift32: words in [0, 2^32). */
function randomWords(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
