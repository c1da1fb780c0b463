import {
  type Bundle,
  DTYPES,
  type Dtype,
  type ModelSession,
  tensorReader,
  touchedElements,
} from "@surety/engine";
import { hexToBytes } from "viem";
import type { ArithmeticView } from "./views.ts";

/** Operand values that are shown. */
const SHOWN = 12;

/**
 * What an element is computed from, by running the model on the request's input: everything left of the disputed tensor was accepted, so these
 * are the operands the chain was shown.
 *
 * @param input the request's input as posted, hexadecimal
 */
export async function arithmeticOf(
  session: ModelSession,
  input: string,
  instructionIndex: number,
  element: number,
): Promise<ArithmeticView | undefined> {
  const { bundle } = session;
  const instruction = bundle.instructions[instructionIndex];
  if (instruction === undefined) return undefined;
  const inputs = hexToBytes(input as `0x${string}`);
  const trace = await session.trace(inputs);
  try {
    const bytesOf = ({ space, index }: { space: string; index: number }): Uint8Array => {
      if (space === "trace") return trace.tensorBytes(index);
      if (space === "weight") return bundle.weights[index] as Uint8Array;
      const start = bundle.header.inputBytes.slice(0, index).reduce((sum, bytes) => sum + bytes, 0);
      return inputs.subarray(start, start + (bundle.header.inputBytes[index] as number));
    };
    const readers = instruction.operands.map((operand) => tensorReader(bytesOf(operand), operand.dtype));
    const touched = touchedElements(instruction, element, readers);
    return {
      accumulate: instruction.accumulate,
      dtype: instruction.outDtype,
      at: coordinates(element, instruction.outDims),
      operands: instruction.operands.map(({ space, index, dtype }, number) => ({
        from: nameOf(bundle, space, index),
        dtype,
        count: touched[number]?.length ?? 0,
        values: (touched[number] ?? []).slice(0, SHOWN).map((flat) => String(readers[number]?.(flat))),
      })),
    };
  } finally {
    trace.close();
  }
}

function nameOf({ manifest }: Bundle, space: string, index: number): string {
  if (space === "trace") return `layer ${index} ${manifest.instructions[index]?.name ?? ""}`.trim();
  if (space === "weight") return `weights ${manifest.weights[index]?.name ?? index}`;
  return `input ${manifest.inputs[index]?.name ?? index}`;
}

/** The place of a flat element in a row-major tensor. */
function coordinates(element: number, dims: readonly number[]): number[] {
  const at: number[] = [];
  for (const dim of dims.toReversed()) {
    at.unshift(element % dim);
    element = Math.floor(element / dim);
  }
  return at;
}

/** A stored element as a number: its bits are a little-endian number of the dtype's width. */
export function storedValue(bits: bigint, dtype: Dtype): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits, true);
  const { bytes } = DTYPES[dtype];
  return String(tensorReader(new Uint8Array(view.buffer, 0, bytes), dtype)(0));
}
