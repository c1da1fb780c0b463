import type { Dtype, Instruction, Operation } from "./instruction.ts";
import { malformed } from "./malformed.ts";

interface Range {
  readonly least: number;
  readonly most: number;
}

const INT32: Range = { least: -(2 ** 31), most: 2 ** 31 - 1 };
const BYTE: Readonly<Record<"u8" | "i8", Range>> = {
  u8: { least: 0, most: 255 },
  i8: { least: -128, most: 127 },
};

/**
 * Proves that the zero point of every quantise lies in its dtype's range, by interval arithmetic over the ints of the expression.
 * Also refuses a `float` immediate that is a NaN other than the canonical one.
 *
 * @throws FatalError PROGRAM_MALFORMED
 */
export function checkValueRanges(instruction: Instruction, index: number | null): void {
  const ranges: Range[] = [];
  for (const [number, operation] of instruction.expression.entries()) {
    const { code, b, imm } = operation;
    if (code === "quantise_u8" || code === "quantise_i8") {
      const zero = ranges[b] ?? INT32;
      const due = code === "quantise_u8" ? BYTE.u8 : BYTE.i8;
      if (zero.least < due.least || zero.most > due.most) {
        throw malformed(
          index,
          `operation ${number} (${code}) has a zero point in ${zero.least}..${zero.most}, it must be in ${due.least}..${due.most}`,
        );
      }
    }
    if (code === "float" && (imm & 0x7fff_ffff) > 0x7f80_0000 && imm !== 0x7fc0_0000) {
      throw malformed(index, `operation ${number} (float) is a NaN other than 0x7fc00000`);
    }
    ranges.push(rangeOf(operation, ranges, instruction));
  }
}

/** Range of an operation's int; all of int32 for an f32, which nobody asks for. */
function rangeOf({ code, a, b, imm }: Operation, ranges: readonly Range[], instruction: Instruction): Range {
  const x = ranges[a] ?? INT32;
  const y = ranges[b] ?? INT32;
  switch (code) {
    case "acc":
      return instruction.accumulate === "max" ? ofDtype(instruction.operands[0]?.dtype) : INT32;
    case "load":
      return ofDtype(instruction.operands[a]?.dtype);
    case "int":
      return { least: imm, most: imm };
    case "iadd":
      return unlessWrapping(x.least + y.least, x.most + y.most);
    case "isub":
      return unlessWrapping(x.least - y.most, x.most - y.least);
    case "imul": {
      const corners = [x.least * y.least, x.least * y.most, x.most * y.least, x.most * y.most];
      return unlessWrapping(Math.min(...corners), Math.max(...corners));
    }
    case "imax":
      return { least: Math.max(x.least, y.least), most: Math.max(x.most, y.most) };
    case "imin":
      return { least: Math.min(x.least, y.least), most: Math.min(x.most, y.most) };
    case "quantise_u8":
      return BYTE.u8;
    case "quantise_i8":
      return BYTE.i8;
    default:
      return INT32;
  }
}

function ofDtype(dtype: Dtype | undefined): Range {
  return dtype === "u8" || dtype === "i8" ? BYTE[dtype] : INT32;
}

/** Corners beyond 2^53 round, but stay far outside int32. */
function unlessWrapping(least: number, most: number): Range {
  return least >= INT32.least && most <= INT32.most ? { least, most } : INT32;
}
