import {
  DTYPES,
  type Dtype,
  type Instruction,
  type Operand,
  type Operation,
} from "../../program/instruction.ts";

/** Uniform numbers from a seed (mulberry32), so that a failure can be replayed. */
export interface Random {
  /** An integer in [least, most]. */
  int(least: number, most: number): number;
  pick<Value>(values: readonly Value[]): Value;
  bytes(length: number): Uint8Array;
}

export function seededRandom(seed: number): Random {
  let state = seed | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  const int = (least: number, most: number) => least + (next() % (most - least + 1));
  return {
    int,
    pick: (values) => values[int(0, values.length - 1)] as (typeof values)[number],
    bytes: (length) => Uint8Array.from({ length }, () => next() & 0xff),
  };
}

/** f32 bit patterns where rounding, signs, infinities and denormals show. */
const FLOATS = [
  0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x00800000, 0x3f800000, 0xbf800000, 0x3f000000,
  0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0x3c23d70a, 0x43800000, 0x4b000001, 0x33800000,
];

const INTS = [0, 1, -1, 127, 128, 255, 256, -128, 2 ** 31 - 1, -(2 ** 31), 65536, 46341];

/**
 * A well-formed instruction with a proven index map: a small window operation over 1 to 3 spatial dims with random stride, dilation,
 * padding and broadcast, and a random expression.
 *
 * Operands are inputs 0, 1, ... in order.
 */
export function randomInstruction(random: Random): Instruction {
  const accumulate = random.pick(["none", "dot", "dot", "sum", "max"] as const);
  const n = random.int(1, 4);
  const outDims = Array.from({ length: n }, () => random.int(1, 5));
  const m = accumulate === "none" ? 0 : random.int(1, 3);
  const reduceDims = Array.from({ length: m }, () => random.pick([1, 2, 3, 4, 20]));
  const accumulated: Dtype[][] = {
    none: [],
    dot: [
      ["u8", "i8"],
      ["u8", "i8"],
    ],
    sum: [["u8", "i8", "i32"]],
    max: [["u8", "i8", "i32"]],
  }[accumulate] as Dtype[][];
  const operands: Operand[] = [];
  for (const dtypes of accumulated) {
    operands.push(
      randomOperand(random, random.pick(dtypes), operands.length, outDims, reduceDims, accumulate === "max"),
    );
  }
  for (let extra = random.int(0, 2); extra > 0; extra--) {
    const dtype = random.pick(["u8", "i8", "i32", "f32"] as const);
    operands.push(randomOperand(random, dtype, operands.length, outDims, reduceDims, false));
  }
  const zeros = [0, 0, 1, 7, 128, 255, -128, 100_000, -(2 ** 31)];
  const aZero = accumulate === "dot" || accumulate === "sum" ? random.pick(zeros) : 0;
  const bZero = accumulate === "dot" ? random.pick(zeros) : 0;
  const { expression, outDtype } = randomExpression(random, accumulate !== "none", operands);
  return { accumulate, outDtype, outDims, reduceDims, aZero, bZero, operands, expression };
}

/**
 * A tensor of 1 to 4 dims; each is indexed by one output dim and/or one reduction dim, with a stride each and an offset, and bounded where
 * that may leave it.
 */
function randomOperand(
  random: Random,
  dtype: Dtype,
  index: number,
  outDims: readonly number[],
  reduceDims: readonly number[],
  neverEmpty: boolean,
): Operand {
  const rank = random.int(1, 4);
  const freeOut = outDims.map((_, k) => k);
  const freeReduce = reduceDims.map((_, k) => k);
  const take = (free: number[]) =>
    free.length > 0 && random.int(0, 3) > 0 ? free.splice(random.int(0, free.length - 1), 1)[0] : undefined;
  const axes = Array.from({ length: rank }, () => {
    const out = take(freeOut);
    const reduce = take(freeReduce);
    const outStep = out === undefined ? 0 : random.pick([1, 1, 2, -1]);
    const reduceStep = reduce === undefined ? 0 : random.pick([1, 1, 2, -1]);
    const reaches = [
      outStep * (out === undefined ? 0 : (outDims[out] as number) - 1),
      reduceStep * (reduce === undefined ? 0 : (reduceDims[reduce] as number) - 1),
    ];
    const least = reaches.reduce((sum, reach) => sum + Math.min(0, reach), 0);
    const most = reaches.reduce((sum, reach) => sum + Math.max(0, reach), 0);
    const pad = neverEmpty || random.int(0, 1) === 0 ? 0 : random.int(1, 2);
    const size = Math.max(1, most - least + 1 - pad - (pad > 0 ? random.int(0, 1) : 0));
    return {
      out,
      reduce,
      outStep,
      reduceStep,
      offset: -least - pad,
      size,
      bounded: pad > 0 || random.int(0, 4) === 0,
    };
  });
  const formOf = (terms: { axis: (typeof axes)[number]; scale: number }[]) => ({
    offset: terms.reduce((sum, { axis, scale }) => sum + axis.offset * scale, 0),
    out: outDims.map((_, k) =>
      terms.reduce((sum, { axis, scale }) => sum + (axis.out === k ? axis.outStep * scale : 0), 0),
    ),
    reduce: reduceDims.map((_, k) =>
      terms.reduce((sum, { axis, scale }) => sum + (axis.reduce === k ? axis.reduceStep * scale : 0), 0),
    ),
  });
  let scale = 1;
  const scales = axes.map(() => 1);
  for (let k = rank - 1; k >= 0; k--) {
    scales[k] = scale;
    scale *= (axes[k] as (typeof axes)[number]).size;
  }
  return {
    space: "input",
    dtype,
    index,
    elements: scale,
    map: formOf(axes.map((axis, k) => ({ axis, scale: scales[k] as number }))),
    bounds: axes.flatMap((axis) =>
      axis.bounded ? [{ limit: axis.size, ...formOf([{ axis, scale: 1 }]) }] : [],
    ),
  };
}

function randomExpression(
  random: Random,
  accumulates: boolean,
  operands: readonly Operand[],
): { expression: Operation[]; outDtype: Dtype } {
  const expression: Operation[] = [];
  const ints: number[] = [];
  const floats: number[] = [];
  const push = (kind: "int" | "f32", code: Operation["code"], a = 0, b = 0, imm = 0) => {
    const number = expression.length;
    expression.push({ code, a, b, imm });
    (kind === "int" ? ints : floats).push(number);
    return number;
  };
  if (accumulates) push("int", "acc");
  for (const [k, operand] of operands.entries()) {
    if (random.int(0, 2) > 0) push(operand.dtype === "f32" ? "f32" : "int", "load", k);
  }
  push("int", "int", 0, 0, random.pick(INTS));
  push("f32", "float", 0, 0, random.pick(FLOATS) | 0);
  for (let more = random.int(0, 10); more > 0; more--) {
    switch (random.int(0, 3)) {
      case 0:
        push(
          "int",
          random.pick(["iadd", "isub", "imul", "imax", "imin"] as const),
          random.pick(ints),
          random.pick(ints),
        );
        break;
      case 1:
        push("f32", "tofloat", random.pick(ints));
        break;
      case 2:
        push(
          "f32",
          random.pick(["fadd", "fsub", "fmul", "fdiv"] as const),
          random.pick(floats),
          random.pick(floats),
        );
        break;
      default: {
        const signed = random.int(0, 1) === 1;
        const zero = push("int", "int", 0, 0, signed ? random.int(-128, 127) : random.int(0, 255));
        push("int", signed ? "quantise_i8" : "quantise_u8", random.pick(floats), zero);
      }
    }
  }
  const outDtype = random.pick(["u8", "i8", "i32", "f32"] as const);
  if (outDtype === "f32") push("f32", "fadd", random.pick(floats), floats.at(-1));
  else push("int", "iadd", random.pick(ints), ints.at(-1));
  return { expression, outDtype };
}

/** A tensor for every operand; f32 ones are rich in the values of `FLOATS` and NaNs. */
export function randomInputs(random: Random, instruction: Instruction): Uint8Array[] {
  return instruction.operands.map(({ dtype, elements }) => {
    const bytes = random.bytes(elements * DTYPES[dtype].bytes);
    if (dtype !== "f32") return bytes;
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < elements; i++) {
      if (random.int(0, 1) === 0)
        view.setUint32(i * 4, random.pick([...FLOATS, 0x7f800001, 0xffc00000]), true);
    }
    return bytes;
  });
}
