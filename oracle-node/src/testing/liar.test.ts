import { type Instruction, type TensorList, tensorsInMemory } from "@surety/engine";
import { describe, expect, it } from "vitest";
import { type LiarModel, tamperTrace } from "./liar.ts";

/** out[o] = relu-like max(0, in[o] + 1) twice: three instructions, the middle one clips. */
const step = (index: number, clip: boolean): Instruction => ({
  accumulate: "none",
  outDtype: "i32",
  outDims: [4],
  reduceDims: [],
  aZero: 0,
  bZero: 0,
  operands: [
    {
      space: index === 0 ? "input" : "trace",
      dtype: "i32",
      index: Math.max(0, index - 1),
      elements: 4,
      map: { offset: 0, out: [1], reduce: [] },
      bounds: [],
    },
  ],
  expression: [
    { code: "load", a: 0, b: 0, imm: 0 },
    { code: "int", a: 0, b: 0, imm: clip ? 0 : 1 },
    { code: clip ? "imin" : "iadd", a: 0, b: 1, imm: 0 },
  ],
});
const model: LiarModel = {
  instructions: [step(0, false), step(1, true), step(2, false)],
  weights: [],
  outputs: [2],
};
const ints = (...values: number[]) => new Uint8Array(Int32Array.from(values).buffer);
const inputs = [ints(5, -7, 9, -11)];
const honest = tensorsInMemory([ints(6, -6, 10, -10), ints(0, -6, 0, -10), ints(1, -5, 1, -9)]);
const read = (trace: TensorList, index: number) => [
  ...new Int32Array(trace.tensorBytes(index).slice().buffer),
];

describe("tamperTrace", () => {
  it("changes one element and computes everything after it from the lie", () => {
    const lying = tamperTrace(model, inputs, honest, { layer: 1, element: 2 });
    expect(read(lying, 0)).toEqual(read(honest, 0));
    const lie = read(lying, 1)[2] as number;
    expect(lie).not.toBe(0);
    expect(read(lying, 1)).toEqual([0, -6, lie, -10]);
    expect(read(lying, 2)).toEqual([1, -5, (lie + 1) | 0, -9]);
    expect(read(honest, 1)).toEqual([0, -6, 0, -10]);
  });

  it("takes a change that shows in the output when the first does not", () => {
    // The largest int32 is clipped to 0 like the honest 6; only a negative value passes.
    const lying = tamperTrace(model, inputs, honest, { layer: 0, element: 0 });
    expect(read(lying, 2)[0]).not.toBe(1);
  });

  it("changes only the posted tensor for output", () => {
    const lying = tamperTrace(model, inputs, honest, "output");
    for (const index of [0, 1]) expect(read(lying, index)).toEqual(read(honest, index));
    expect(read(lying, 2).slice(1)).toEqual([-5, 1, -9]);
    expect(read(lying, 2)[0]).not.toBe(1);
  });

  it("names a layer or an element that does not exist", () => {
    expect(() => tamperTrace(model, inputs, honest, { layer: 3, element: 0 })).toThrow(/layers 0 to 2/);
    expect(() => tamperTrace(model, inputs, honest, { layer: 0, element: 4 })).toThrow(/elements 0 to 3/);
  });
});
