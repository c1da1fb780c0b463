import { expect } from "vitest";
import { compileModel } from "../compile/compileModel.ts";
import type { Rung } from "../compile/linear/rung.ts";
import type { InputSample, InputSpec } from "../inputs/readInputs.ts";
import { ModelBuilder } from "../onnx/build.ts";
import type { HostTensor } from "../onnx/tensor.ts";
import type { Bundle } from "../run/bundle.ts";
import { evaluateFrom } from "../run/evaluateProgram.ts";
import { inputsToBytes, openModel } from "../run/session.ts";

/** A small deterministic generator of numbers in [0, 1) (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A float32 tensor of random numbers in [low, high). */
export function randomTensor(random: () => number, dims: readonly number[], low = -1, high = 1): HostTensor {
  const count = dims.reduce((product, size) => product * size, 1);
  return {
    type: "f32",
    dims,
    data: Float32Array.from({ length: count }, () => low + (high - low) * random()),
  };
}

export function randomSamples(specs: readonly InputSpec[], count: number, seed: number): InputSample[] {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, () =>
    Object.fromEntries(specs.map(({ name, shape }) => [name, randomTensor(random, shape)])),
  );
}

/** A model with float32 inputs and outputs, its middle written by `body`. */
export function smallModel(
  opset: number,
  inputs: Readonly<Record<string, readonly number[]>>,
  outputs: Readonly<Record<string, readonly number[]>>,
  body: (model: ModelBuilder, random: () => number) => void,
): { model: Uint8Array; specs: InputSpec[] } {
  const builder = new ModelBuilder(opset);
  for (const [name, dims] of Object.entries(inputs)) builder.input(name, "f32", dims);
  body(builder, randomNumbers(7));
  for (const [name, dims] of Object.entries(outputs)) builder.output(name, "f32", dims);
  const specs = Object.entries(inputs).map(([name, shape]) => ({ name, dtype: "f32" as const, shape }));
  return { model: builder.encode(), specs };
}

/** Compiles, and checks onnxruntime against the reference for every instruction, byte for byte, on samples beyond the calibrated range. */
export async function compileAndCompare(
  model: Uint8Array,
  specs: readonly InputSpec[],
  rungs: Readonly<Record<string, Rung>> = {},
): Promise<Bundle> {
  const bundle = await compileModel({ model, calibration: randomSamples(specs, 20, 1), rungs });
  await compareTraces(bundle, [
    ...randomSamples(specs, 4, 2),
    ...randomSamples(specs, 2, 3).map(stretch),
    ...randomSamples(specs, 1, 4).map(withOddities),
  ]);
  return bundle;
}

/** Runs and traces each sample; every tensor must be what the reference computes, and the outputs what `run` gives. */
export async function compareTraces(bundle: Bundle, samples: readonly InputSample[]): Promise<void> {
  const session = await openModel(bundle, { intraOpNumThreads: 1 });
  try {
    for (const sample of samples) {
      const inputs = inputsToBytes(bundle, sample);
      const outputs = await session.run(sample);
      const trace = await session.trace(sample);
      bundle.instructions.forEach((instruction, index) => {
        const expected = evaluateFrom(instruction, trace, { weights: bundle.weights, inputs });
        const label = `${index} ${bundle.manifest.instructions[index]?.name}`;
        expect([label, Buffer.from(trace.tensorBytes(index)).toString("hex")]).toEqual([
          label,
          Buffer.from(expected).toString("hex"),
        ]);
      });
      bundle.header.outputs.forEach(({ instruction }, index) => {
        expect(Buffer.compare(outputs[index] as Uint8Array, trace.tensorBytes(instruction))).toBe(0);
      });
      trace.close();
    }
  } finally {
    await session.release();
  }
}

function mapSample(sample: InputSample, change: (value: number, index: number) => number): InputSample {
  return Object.fromEntries(
    Object.entries(sample).map(([name, tensor]) => [
      name,
      { ...tensor, data: (tensor.data as Float32Array).map(change) },
    ]),
  );
}

/** Three times the range that calibration saw: everything saturates somewhere. */
function stretch(sample: InputSample): InputSample {
  return mapSample(sample, (value) => value * 3);
}

/** Infinities, NaN, negative zero, denormals and the largest numbers among ordinary ones. */
function withOddities(sample: InputSample): InputSample {
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e-45, 3.4e38, -3.4e38];
  return mapSample(sample, (value, index) =>
    index % 3 === 0 ? (odd[(index / 3) % odd.length] as number) : value,
  );
}
