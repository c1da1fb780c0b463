import { type Kind, kindOf } from "../../program/expression-kinds.ts";
import {
  DTYPES,
  type Dtype,
  type Instruction,
  type Opcode,
  type Operand,
  type Operation,
} from "../../program/instruction.ts";
import { MAX_STEP_BYTES, worstStepCost } from "../../program/step-cost.ts";

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

const ALL = Object.keys(DTYPES) as Dtype[];

/** f32 bit patterns where rounding, signs, infinities and denormals show. */
const FLOATS = [
  0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x00800000, 0x3f800000, 0xbf800000, 0x3f000000,
  0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0x3c23d70a, 0x43800000, 0x4b000001, 0x33800000, 0x3fc00000,
  0xc0200000, 0x4f000000, 0xcf000000, 0x41200000, 0xbe99999a,
];

const INTS = [0, 1, -1, 127, 128, 255, 256, -128, 2 ** 31 - 1, -(2 ** 31), 65536, 46341];

/**
 * A well-formed instruction with a proven index map: a small window operation over 1 to 3 spatial dims with random stride, dilation,
 * padding and broadcast, and a random expression, whose step fits into a transaction.
 *
 * Operands are inputs 0, 1, ... in order.
 */
export function randomInstruction(random: Random): Instruction {
  while (true) {
    const instruction = anyInstruction(random);
    if (worstStepCost(instruction).bytes <= MAX_STEP_BYTES) return instruction;
  }
}

function anyInstruction(random: Random): Instruction {
  const accumulate = random.pick(["none", "none", "dot", "dot", "sum", "max", "min"] as const);
  const n = random.int(1, 4);
  const outDims = Array.from({ length: n }, () => random.int(1, 5));
  const m = accumulate === "none" ? 0 : random.int(1, 3);
  const reduceDims = Array.from({ length: m }, () => random.pick([1, 2, 3, 4, 20]));
  const reduced: Dtype[][] = {
    none: [],
    dot: [
      ["u8", "i8"],
      ["u8", "i8"],
    ],
    sum: [["u8", "i8", "i32", "i64"]],
    max: [ALL],
    min: [ALL],
  }[accumulate] as Dtype[][];
  const neverEmpty = accumulate === "max" || accumulate === "min";
  const operands: Operand[] = [];
  for (const dtypes of reduced) {
    operands.push(
      randomOperand(random, random.pick(dtypes), operands.length, outDims, reduceDims, neverEmpty),
    );
  }
  for (let extra = random.int(0, 2); extra > 0; extra--) {
    const dtype = random.pick(ALL);
    operands.push(randomOperand(random, dtype, operands.length, outDims, reduceDims, false));
  }
  const zeros = [0, 0, 1, 7, 128, 255, -128, 100_000, -(2 ** 31)];
  const aZero = accumulate === "dot" || accumulate === "sum" ? random.pick(zeros) : 0;
  const bZero = accumulate === "dot" ? random.pick(zeros) : 0;
  const accumulated = accumulate === "none" ? null : neverEmpty ? kindOf(operands[0]?.dtype) : "int";
  const { expression, outDtype } = randomExpression(random, accumulated, operands);
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

const INT_OPERATIONS: readonly Opcode[] = [
  ...(["iadd", "isub", "imul", "imax", "imin", "idiv", "imod", "ilt", "ieq"] as const),
  ...(["ladd", "lsub", "lmul"] as const),
];
const FLOAT_OPERATIONS: readonly Opcode[] = ["fadd", "fsub", "fmul", "fdiv", "fmax", "fmin"];
const ROUNDINGS: readonly Opcode[] = ["fsqrt", "ffloor", "fceil", "fround", "fabs"];

function randomExpression(
  random: Random,
  accumulated: Kind | null,
  operands: readonly Operand[],
): { expression: Operation[]; outDtype: Dtype } {
  const expression: Operation[] = [];
  const ints: number[] = [];
  const floats: number[] = [];
  const push = (kind: Kind, code: Opcode, a = 0, b = 0, imm = 0) => {
    const number = expression.length;
    expression.push({ code, a, b, imm });
    (kind === "int" ? ints : floats).push(number);
    return number;
  };
  if (accumulated !== null) push(accumulated, "acc");
  for (const [k, { dtype }] of operands.entries()) {
    if (random.int(0, 2) > 0) push(kindOf(dtype), "load", k);
  }
  push("int", "int", 0, 0, random.pick(INTS));
  push("f32", "float", 0, 0, random.pick(FLOATS) | 0);
  const int = () => random.pick(ints);
  const float = () => random.pick(floats);
  for (let more = random.int(0, 12); more > 0; more--) {
    switch (random.int(0, 9)) {
      case 0:
      case 1:
        push("int", random.pick(INT_OPERATIONS), int(), int());
        break;
      case 2:
        push("f32", "tofloat", int());
        break;
      case 3:
      case 4:
        push("f32", random.pick(FLOAT_OPERATIONS), float(), float());
        break;
      case 5:
        push("f32", random.pick(ROUNDINGS), float());
        break;
      case 6:
        if (random.int(0, 1) === 0) push("int", random.pick(["flt", "feq"]), float(), float());
        else push("int", "toint", float());
        break;
      case 7:
        if (random.int(0, 1) === 0) push("int", "select", int(), int(), int());
        else push("f32", "select", int(), float(), float());
        break;
      case 8: {
        if (operands.length === 0) break;
        const k = random.int(0, operands.length - 1);
        push("int", "inside", k);
        const range = push("int", "int", 0, 0, random.int(1, 9));
        const shift = random.int(0, 2) === 0 ? int() : push("int", "imod", int(), range);
        push(kindOf(operands[k]?.dtype), "loadat", k, shift);
        break;
      }
      default: {
        const signed = random.int(0, 1) === 1;
        const zero = push("int", "int", 0, 0, signed ? random.int(-128, 127) : random.int(0, 255));
        push("int", signed ? "quantise_i8" : "quantise_u8", float(), zero);
      }
    }
  }
  const outDtype = random.pick(ALL);
  if (outDtype === "f32") push("f32", "fadd", float(), floats.at(-1));
  else push("int", outDtype === "i64" ? "ladd" : "iadd", int(), ints.at(-1));
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
