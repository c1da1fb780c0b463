import { larger, smaller } from "./bigint-order.ts";
import { accumulatorKind, kindOf } from "./expression-kinds.ts";
import type { Dtype, Instruction, Operation } from "./instruction.ts";
import { malformed } from "./malformed.ts";

/** The ints from `least` to `most`, both included. */
export interface Range {
  readonly least: bigint;
  readonly most: bigint;
}

export const INT32: Range = { least: -(2n ** 31n), most: 2n ** 31n - 1n };
const INT64: Range = { least: -(2n ** 63n), most: 2n ** 63n - 1n };
const CONDITION: Range = { least: 0n, most: 1n };
const OF_DTYPE: Readonly<Record<Exclude<Dtype, "f32">, Range>> = {
  u8: { least: 0n, most: 255n },
  i8: { least: -128n, most: 127n },
  i32: INT32,
  i64: INT64,
};

/**
 * Proves that the zero point of every quantise lies in its dtype's range, by interval arithmetic over the ints of the expression.
 * Also refuses a `float` immediate that is a NaN other than the canonical one.
 *
 * @throws FatalError PROGRAM_MALFORMED
 */
export function checkValueRanges(instruction: Instruction, index: number | null): void {
  const ranges = valueRanges(instruction);
  for (const [number, { code, b, imm }] of instruction.expression.entries()) {
    if (code === "quantise_u8" || code === "quantise_i8") {
      const zero = ranges[b] ?? INT64;
      const due = code === "quantise_u8" ? OF_DTYPE.u8 : OF_DTYPE.i8;
      if (!within(zero, due)) {
        throw malformed(
          index,
          `operation ${number} (${code}) has a zero point in ${zero.least}..${zero.most}, it must be in ${due.least}..${due.most}`,
        );
      }
    }
    if (code === "float" && (imm & 0x7fff_ffff) > 0x7f80_0000 && imm !== 0x7fc0_0000) {
      throw malformed(index, `operation ${number} (float) is a NaN other than 0x7fc00000`);
    }
  }
}

/** A range that the int of every operation stays within, whatever the operands hold; null for an f32. */
export function valueRanges(instruction: Instruction): (Range | null)[] {
  const ranges: (Range | null)[] = [];
  for (const operation of instruction.expression) ranges.push(rangeOf(operation, ranges, instruction));
  return ranges;
}

/** True when every int of `range` is one of `due`. */
export function within(range: Range, due: Range): boolean {
  return range.least >= due.least && range.most <= due.most;
}

function rangeOf(
  { code, a, b, imm }: Operation,
  ranges: readonly (Range | null)[],
  instruction: Instruction,
): Range | null {
  const x = ranges[a] ?? INT64;
  const y = ranges[b] ?? INT64;
  switch (code) {
    case "acc":
      return ofAccumulator(instruction);
    case "load":
    case "loadat":
      return ofDtype(instruction.operands[a]?.dtype);
    case "int":
      return { least: BigInt(imm), most: BigInt(imm) };
    case "iadd":
      return unlessWrapping(sum(x, y), INT32);
    case "isub":
      return unlessWrapping(difference(x, y), INT32);
    case "imul":
      return unlessWrapping(product(x, y), INT32);
    case "ladd":
      return unlessWrapping(sum(x, y), INT64);
    case "lsub":
      return unlessWrapping(difference(x, y), INT64);
    case "lmul":
      return unlessWrapping(product(x, y), INT64);
    case "idiv":
      return unlessWrapping(quotient(x, y), INT64);
    case "imod":
      return remainder(x, y);
    case "imax":
      return { least: larger(x.least, y.least), most: larger(x.most, y.most) };
    case "imin":
      return { least: smaller(x.least, y.least), most: smaller(x.most, y.most) };
    case "inside":
    case "ilt":
    case "ieq":
    case "flt":
    case "feq":
      return CONDITION;
    case "toint":
      return INT32;
    case "quantise_u8":
      return OF_DTYPE.u8;
    case "quantise_i8":
      return OF_DTYPE.i8;
    case "select": {
      const other = ranges[imm];
      return ranges[b] && other ? union(y, other) : null;
    }
    default:
      return null;
  }
}

function ofAccumulator(instruction: Instruction): Range | null {
  const { accumulate, operands } = instruction;
  if (accumulatorKind(instruction) === "f32") return null;
  const first = operands[0]?.dtype;
  if (accumulate === "max" || accumulate === "min") return ofDtype(first);
  return accumulate === "sum" && first === "i64" ? INT64 : INT32;
}

function ofDtype(dtype: Dtype | undefined): Range | null {
  if (dtype === undefined || kindOf(dtype) === "f32") return null;
  return OF_DTYPE[dtype as Exclude<Dtype, "f32">];
}

function sum(x: Range, y: Range): Range {
  return { least: x.least + y.least, most: x.most + y.most };
}

function difference(x: Range, y: Range): Range {
  return { least: x.least - y.most, most: x.most - y.least };
}

function product(x: Range, y: Range): Range {
  return hull([x.least, x.most], [y.least, y.most], (p, q) => p * q);
}

/** A truncated quotient is monotonic in both arguments while the divisor keeps its sign, so its extremes are at the ends and next to 0. */
function quotient(x: Range, y: Range): Range {
  const divisors = [y.least, y.most, -1n, 1n, 0n].filter((q) => q >= y.least && q <= y.most);
  return hull([x.least, x.most], divisors, (p, q) => (q === 0n ? 0n : p / q));
}

/** No larger than the dividend, smaller than the divisor, of the dividend's sign. */
function remainder(x: Range, y: Range): Range {
  const reach = larger(larger(-y.least, y.most), 1n) - 1n;
  return { least: larger(smaller(x.least, 0n), -reach), most: smaller(larger(x.most, 0n), reach) };
}

function hull(
  xs: readonly bigint[],
  ys: readonly bigint[],
  operation: (x: bigint, y: bigint) => bigint,
): Range {
  const values = xs.flatMap((x) => ys.map((y) => operation(x, y)));
  return { least: values.reduce(smaller), most: values.reduce(larger) };
}

function union(x: Range, y: Range): Range {
  return { least: smaller(x.least, y.least), most: larger(x.most, y.most) };
}

function unlessWrapping(range: Range, wrapped: Range): Range {
  return within(range, wrapped) ? range : wrapped;
}
