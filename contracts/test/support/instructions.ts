import {
  DTYPES,
  type Dtype,
  type Instruction,
  type Opcode,
  type Operand,
} from "../../../engine/src/program/instruction.ts";

/** An operation with what is not given 0. */
export const operation = (code: Opcode, a = 0, b = 0, imm = 0) => ({ code, a, b, imm });

/** Input `index` of `elements` elements, read one after the other along a single output dimension. */
export function inputOperand(
  dtype: Dtype,
  index: number,
  elements: number,
  change: Partial<Operand> = {},
): Operand {
  return {
    space: "input",
    dtype,
    index,
    elements,
    map: { offset: 0, out: [1], reduce: [] },
    bounds: [],
    ...change,
  };
}

/** An instruction without a reduction over one output dimension. */
export function mapInstruction(
  parameters: Pick<Instruction, "outDtype" | "outDims" | "operands" | "expression">,
): Instruction {
  return { accumulate: "none", reduceDims: [], aZero: 0, bZero: 0, ...parameters };
}

/** A tensor's elements from its bytes as the profile loads them: ints, f32 bits with +0 for a NaN. */
export function elementsOf(dtype: Dtype, bytes: Uint8Array): bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = DTYPES[dtype].bytes;
  return Array.from({ length: bytes.length / width }, (_, i) => {
    switch (dtype) {
      case "u8":
        return BigInt(view.getUint8(i));
      case "i8":
        return BigInt(view.getInt8(i));
      case "i32":
        return BigInt(view.getInt32(4 * i, true));
      case "i64":
        return view.getBigInt64(8 * i, true);
      default: {
        const bits = view.getUint32(4 * i, true);
        return (bits & 0x7fffffff) > 0x7f800000 ? 0n : BigInt(bits);
      }
    }
  });
}

/** What of a value is stored as an element. */
export function storedBits(dtype: Dtype, value: bigint): bigint {
  return BigInt.asUintN(8 * DTYPES[dtype].bytes, value);
}
