import { encodeInstruction, type Instruction } from "@surety/engine";
import { createOwnRun, type OwnRun } from "../dispute/own-run.ts";

/** Operands that each instruction reads at most: the nearest earlier tensors and, spread over the trace, farther ones. */
const OPERANDS = 8;

/** A run of made-up u8 tensors: instruction i reads element 0 of up to eight earlier tensors. What it would compute does not matter. */
export function plainRun(tensors: readonly Uint8Array[]): OwnRun {
  const program = tensors.map((tensor, index) => encodeInstruction(plainInstruction(tensors, tensor, index)));
  return createOwnRun({
    program,
    weights: [],
    inputs: [],
    tensors,
  });
}

function plainInstruction(tensors: readonly Uint8Array[], tensor: Uint8Array, index: number): Instruction {
  const sources = [
    ...new Set(
      Array.from({ length: Math.min(OPERANDS, index) }, (_, k) =>
        Math.floor((index * (k + 1) - 1) / Math.min(OPERANDS, index)),
      ),
    ),
  ];
  return {
    accumulate: "none",
    outDtype: "u8",
    outDims: [tensor.length],
    reduceDims: [],
    aZero: 0,
    bZero: 0,
    operands: sources.map((source) => ({
      space: "trace",
      dtype: "u8",
      index: source,
      elements: tensors[source]?.length ?? 1,
      map: { offset: 0, out: [0], reduce: [] },
      bounds: [],
    })),
    expression: [
      { code: "int", a: 0, b: 0, imm: 0 },
      ...sources.map((_, operand) => ({ code: "load", a: operand, b: 0, imm: 0 }) as const),
      { code: "int", a: 0, b: 0, imm: 7 },
    ],
  };
}
