import { ELEMENT_TYPES, type ElementType } from "../onnx/tensor.ts";
import type { Bundle } from "./bundle.ts";

/**
 * Inputs to compare machines and implementations on, the same every time for one bundle.
 * @returns each probe's name and a request's input: all inputs' bytes in the model's order, concatenated
 */
export function* probeInputs(
  bundle: Pick<Bundle, "header" | "instructions" | "manifest">,
): Generator<[string, Uint8Array]> {
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
  const { array } = ELEMENT_TYPES[dtype];
  const data = new array(length / array.BYTES_PER_ELEMENT);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return new Uint8Array(data.map(() => BigInt(whole(next()))).buffer);
  }
  return new Uint8Array(data.map(() => whole(next())).buffer);
}

/** Mostly small integers, which may be indices; the largest where the number is beyond 2^53. */
function whole(number: number): number {
  const integer = Number.isNaN(number) ? 0 : Math.trunc(number);
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, integer));
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
