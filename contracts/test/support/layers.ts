import type { Instruction, Operand } from "../../../engine/src/program/instruction.ts";
import type { Random } from "./random.ts";

/** A layer as the compiler lowers it: u8 activations channels-last, i8 weights reversed, i32 bias, f32 scale per output channel, u8 out. */
export interface Layer {
  readonly instruction: Instruction;
  /** The activations: trace tensor 0. */
  readonly activations: Uint8Array;
  /** Weights, bias, scales: weight tensors 0 to 2. */
  readonly weights: readonly Uint8Array[];
}

export interface ConvolutionParameters {
  /** Height and width of the input; the output is as large (stride 1, kernel odd, padded). */
  readonly size: number;
  readonly channels: number;
  readonly kernel: number;
  readonly outChannels: number;
  /** Kernel columns and channels in one reduction dimension: longer runs. */
  readonly merged: boolean;
}

export function convolutionLayer(
  random: Random,
  { size, channels: c, kernel: k, outChannels: m, merged }: ConvolutionParameters,
): Layer {
  const pad = (k - 1) / 2;
  const perChannel = k * k * c;
  const zeros = merged ? [0, 0] : [0, 0, 0];
  const column = { limit: merged ? size * c : size, offset: merged ? -pad * c : -pad };
  const operands: Operand[] = [
    {
      space: "trace",
      dtype: "u8",
      index: 0,
      elements: size * size * c,
      map: {
        offset: -pad * size * c - pad * c,
        out: [size * c, c, 0],
        reduce: merged ? [size * c, 1] : [size * c, c, 1],
      },
      bounds: [
        { limit: size, offset: -pad, out: [1, 0, 0], reduce: merged ? [1, 0] : [1, 0, 0] },
        { ...column, out: [0, merged ? c : 1, 0], reduce: merged ? [0, 1] : [0, 1, 0] },
      ],
    },
    {
      space: "weight",
      dtype: "i8",
      index: 0,
      elements: m * perChannel,
      map: {
        offset: m * perChannel - 1,
        out: [0, 0, -perChannel],
        reduce: merged ? [-k * c, -1] : [-k * c, -c, -1],
      },
      bounds: [],
    },
    perOutputChannel("i32", 1, m, [0, 0, 1], zeros),
    perOutputChannel("f32", 2, m, [0, 0, 1], zeros),
  ];
  return {
    instruction: requantised([size, size, m], merged ? [k, k * c] : [k, k, c], operands),
    activations: random.bytes(size * size * c),
    weights: weightTensors(random, m, perChannel),
  };
}

/** A fully connected layer over `length` activations. */
export function denseLayer(random: Random, length: number, outputs: number): Layer {
  const operands: Operand[] = [
    {
      space: "trace",
      dtype: "u8",
      index: 0,
      elements: length,
      map: { offset: 0, out: [0], reduce: [1] },
      bounds: [],
    },
    {
      space: "weight",
      dtype: "i8",
      index: 0,
      elements: length * outputs,
      map: { offset: length * outputs - 1, out: [-length], reduce: [-1] },
      bounds: [],
    },
    perOutputChannel("i32", 1, outputs, [1], [0]),
    perOutputChannel("f32", 2, outputs, [1], [0]),
  ];
  return {
    instruction: requantised([outputs], [length], operands),
    activations: random.bytes(length),
    weights: weightTensors(random, outputs, length),
  };
}

function perOutputChannel(
  dtype: "i32" | "f32",
  index: number,
  elements: number,
  out: readonly number[],
  reduce: readonly number[],
): Operand {
  return { space: "weight", dtype, index, elements, map: { offset: 0, out, reduce }, bounds: [] };
}

function requantised(
  outDims: readonly number[],
  reduceDims: readonly number[],
  operands: readonly Operand[],
): Instruction {
  const operation = (code: Instruction["expression"][number]["code"], a = 0, b = 0, imm = 0) => ({
    code,
    a,
    b,
    imm,
  });
  return {
    accumulate: "dot",
    outDtype: "u8",
    outDims,
    reduceDims,
    aZero: 117,
    bZero: 0,
    operands,
    expression: [
      operation("acc"),
      operation("load", 2),
      operation("iadd", 0, 1),
      operation("tofloat", 2),
      operation("load", 3),
      operation("fmul", 3, 4),
      operation("int", 0, 0, 121),
      operation("quantise_u8", 5, 6),
    ],
  };
}

function weightTensors(random: Random, outputs: number, perOutput: number): Uint8Array[] {
  const bias = Int32Array.from({ length: outputs }, () => random.int(-10_000, 10_000));
  const scales = Float32Array.from({ length: outputs }, () => random.int(1, 1000) / 1e6);
  return [random.bytes(outputs * perOutput), new Uint8Array(bias.buffer), new Uint8Array(scales.buffer)];
}
