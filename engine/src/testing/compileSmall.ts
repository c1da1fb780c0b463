import { expect } from "vitest";
import { compileModel } from "../compile/compileModel.ts";
import type { Rung } from "../compile/linear/rung.ts";
import type { InputSample, InputSpec } from "../inputs/readInputs.ts";
import { ModelBuilder } from "../onnx/build.ts";
import { ELEMENT_TYPES, type ElementType, type HostTensor, type TensorData } from "../onnx/tensor.ts";
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

/** A tensor of random integers in [low, high]. */
export function randomIntegers(
  random: () => number,
  type: Exclude<ElementType, "f32">,
  dims: readonly number[],
  low: number,
  high: number,
): HostTensor {
  const count = dims.reduce((product, size) => product * size, 1);
  const values = Array.from({ length: count }, () => low + Math.floor(random() * (high - low + 1)));
  const data = new ELEMENT_TYPES[type].array(count) as TensorData;
  values.forEach((value, k) => {
    data[k] = data instanceof BigInt64Array ? BigInt(value) : value;
  });
  return { type, dims, data };
}

/** Ordinary values of each type: floats in [-1, 1), small integers. */
export function randomSamples(specs: readonly InputSpec[], count: number, seed: number): InputSample[] {
  const random = randomNumbers(seed);
  const make = ({ dtype, shape }: InputSpec) => {
    if (dtype === "f32") return randomTensor(random, shape);
    const [low, high] = dtype === "bool" ? [0, 1] : dtype === "u8" ? [0, 5] : [-5, 5];
    return randomIntegers(random, dtype, shape, low as number, high as number);
  };
  return Array.from({ length: count }, () =>
    Object.fromEntries(specs.map((spec) => [spec.name, make(spec)])),
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

/** A model of one node or more whose inputs and outputs have any types: `["i64", [2, 3]]`. */
export function typedModel(
  opset: number,
  inputs: Readonly<Record<string, readonly [ElementType, readonly number[]]>>,
  outputs: Readonly<Record<string, readonly [ElementType, readonly number[]]>>,
  body: (model: ModelBuilder, random: () => number) => void,
): { model: Uint8Array; specs: InputSpec[] } {
  const builder = new ModelBuilder(opset);
  for (const [name, [type, dims]] of Object.entries(inputs)) builder.input(name, type, dims);
  body(builder, randomNumbers(7));
  for (const [name, [type, dims]] of Object.entries(outputs)) builder.output(name, type, dims);
  const specs = Object.entries(inputs).map(([name, [dtype, shape]]) => ({ name, dtype, shape }));
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

function mapFloats(tensor: HostTensor, change: (value: number, index: number) => number): HostTensor {
  return { ...tensor, data: (tensor.data as Float32Array).map(change) };
}

function mapSample(sample: InputSample, change: (tensor: HostTensor) => HostTensor): InputSample {
  return Object.fromEntries(Object.entries(sample).map(([name, tensor]) => [name, change(tensor)]));
}

/** Three times the range that calibration saw: everything saturates somewhere. Integers of three times the range too: indices out of theirs. */
function stretch(sample: InputSample): InputSample {
  return mapSample(sample, (tensor) => {
    if (tensor.type === "f32") return mapFloats(tensor, (value) => value * 3);
    if (tensor.type === "i64")
      return { ...tensor, data: (tensor.data as BigInt64Array).map((value) => value * 3n) };
    return { ...tensor, data: (tensor.data as Int32Array).map((value) => value * 3) };
  });
}

/** Infinities, NaN, negative zero, denormals and the largest numbers among ordinary ones; the ends of the integer types; bools that are any byte. */
function withOddities(sample: InputSample): InputSample {
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e-45, 3.4e38, -3.4e38];
  const pick = <Value>(list: readonly Value[], value: Value, index: number): Value =>
    index % 3 === 0 ? (list[(index / 3) % list.length] as Value) : value;
  return mapSample(sample, (tensor) => {
    if (tensor.type === "f32") return mapFloats(tensor, (value, index) => pick(odd, value, index));
    if (tensor.type === "i64") {
      const data = (tensor.data as BigInt64Array).map((value, index) => pick(ODD_LONGS, value, index));
      return { ...tensor, data };
    }
    const data = (tensor.data as Int32Array).map((value, index) => pick(ODD_INTS, value, index));
    return { ...tensor, data };
  });
}

const ODD_LONGS = [2n ** 63n - 1n, -(2n ** 63n), 0n, -1n, 2n ** 31n, -(2n ** 53n) - 1n, 1n];
/** Cut to the type they are stored in. */
const ODD_INTS = [2 ** 31 - 1, -(2 ** 31), 0, -1, 127, -128, 1];
