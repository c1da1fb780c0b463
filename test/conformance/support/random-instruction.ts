import type { Random } from "../../../contracts/test/support/random.ts";
import {
  type AffineForm,
  type Bound,
  DTYPES,
  type Dtype,
  type Instruction,
  type Opcode,
  type Operand,
  type Operation,
} from "../../../engine/src/program/instruction.ts";

/** An instruction with all that it reads. */
export interface Case {
  readonly instruction: Instruction;
  /** Its number in the program; `trace` holds the tensors before it. */
  readonly index: number;
  readonly trace: readonly Uint8Array[];
  readonly weights: readonly Uint8Array[];
  readonly inputs: readonly Uint8Array[];
}

/** Bytes of the tensor behind each operand. */
export function operandBytes({ instruction, trace, weights, inputs }: Case): Uint8Array[] {
  const spaces = { trace, weight: weights, input: inputs };
  return instruction.operands.map(({ space, index }) => spaces[space][index] as Uint8Array);
}

const EDGE_FLOATS = [
  0, 0x80000000, 1, 0x007fffff, 0x00800000, 0x3f800000, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00001,
];
const EDGE_INTS = [0, 1, -1, 127, 128, -128, 255, 256, 2 ** 31 - 1, -(2 ** 31)];

/** Elements of one dtype: anything, or mostly edges. */
export function randomTensor(random: Random, dtype: Dtype, elements: number): Uint8Array {
  const edges = random.chance(0.3);
  const bytes = random.bytes(elements * DTYPES[dtype].bytes);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < elements; i++) {
    const edge = edges && random.chance(0.7);
    if (dtype === "f32") {
      if (edge) view.setUint32(4 * i, random.pick(EDGE_FLOATS), true);
      else if (random.chance(0.7))
        view.setFloat32(4 * i, (random.int(-2000, 2000) / 4) * random.pick([1, 1, 1e-3, 1e6]), true);
    } else if (dtype === "i32") {
      if (edge) view.setInt32(4 * i, random.pick(EDGE_INTS), true);
      else if (random.chance(0.7)) view.setInt32(4 * i, random.int(-70_000, 70_000), true);
    } else if (edge) {
      bytes[i] = random.pick([0, 1, 127, 128, 192, 64, 255]);
    }
  }
  return bytes;
}

/** A well-formed instruction of any kind. Some of its elements may still be malformed: an index outside, an empty maximum, a zero point. */
export function randomCase(random: Random): Case {
  const accumulate = random.pick(["none", "dot", "dot", "dot", "sum", "max"] as const);
  const many = random.chance(0.05);
  const outDims = dims(random, random.int(1, many ? 8 : 3), many ? 2 : 5);
  const reduceDims = accumulate === "none" ? [] : dims(random, random.int(1, many ? 8 : 3), many ? 2 : 6);
  if (accumulate !== "none" && !many && random.chance(0.4)) {
    reduceDims[reduceDims.length - 1] = random.int(1, random.chance(0.3) ? 1500 : 150);
  }
  const spaces: Record<Operand["space"], Uint8Array[]> = { trace: [], weight: [], input: [] };
  // Tensors that nobody reads, so that places in the trees are not all 0.
  for (const list of Object.values(spaces)) {
    for (let i = random.int(0, 2); i > 0; i--) list.push(random.bytes(random.int(1, 20)));
  }
  const accumulated = { none: 0, dot: 2, sum: 1, max: 1 }[accumulate];
  const count = Math.max(accumulated + random.int(0, 2), random.chance(0.1) ? 6 : 0);
  const shape = [...outDims, ...reduceDims];
  const runs = random.pick([[1, -1], [-1, 1], [1, 1], [-1, -1], null, null]);
  const operands: Operand[] = [];
  for (let number = 0; number < count; number++) {
    const dtype = random.pick(
      (number >= accumulated
        ? ["u8", "i8", "i32", "f32"]
        : accumulate === "dot"
          ? ["u8", "i8"]
          : ["u8", "i8", "i32"]) as Dtype[],
    );
    const step = accumulate === "dot" ? runs?.[number] : undefined;
    const { map, elements, bounds } = randomMap(random, shape, outDims.length, step);
    const space = random.pick(["trace", "weight", "input"] as const);
    const index = spaces[space].push(randomTensor(random, dtype, elements)) - 1;
    operands.push({ space, dtype, index, elements, map, bounds });
  }
  const zero = () => random.pick([0, 0, 1, 128, 255, -128, random.int(-300, 300), random.bits() | 0]);
  const { expression, isFloat } = randomExpression(random, operands, accumulate !== "none");
  const instruction: Instruction = {
    accumulate,
    outDtype: isFloat ? "f32" : random.pick(["u8", "i8", "i32"]),
    outDims,
    reduceDims,
    aZero: accumulate === "dot" || accumulate === "sum" ? zero() : 0,
    bZero: accumulate === "dot" ? zero() : 0,
    operands,
    expression,
  };
  return {
    instruction,
    index: spaces.trace.length,
    trace: spaces.trace,
    weights: spaces.weight,
    inputs: spaces.input,
  };
}

function dims(random: Random, rank: number, largest: number): number[] {
  return Array.from({ length: rank }, () => random.int(1, largest));
}

function form(offset: number, coefficients: readonly number[], outRank: number): AffineForm {
  return { offset, out: coefficients.slice(0, outRank), reduce: coefficients.slice(outRank) };
}

function range(coefficients: readonly number[], shape: readonly number[]): { least: number; most: number } {
  let least = 0;
  let most = 0;
  for (const [k, coefficient] of coefficients.entries()) {
    const reach = coefficient * ((shape[k] as number) - 1);
    least += Math.min(0, reach);
    most += Math.max(0, reach);
  }
  return { least, most };
}

function seamless(coefficients: number[], shape: readonly number[], outRank: number): void {
  for (let k = shape.length - 2; k >= outRank; k--) {
    const next = (coefficients[k + 1] as number) * (shape[k + 1] as number);
    if (Math.abs(next) < 20_000) coefficients[k] = next;
  }
}

function randomMap(random: Random, shape: readonly number[], outRank: number, step: number | undefined) {
  const strides = shape.map(() => random.pick([0, 1, -1, 2, -3, 7, random.int(-40, 40)]));
  if (shape.length > outRank) {
    strides[shape.length - 1] = step ?? random.pick([0, 1, -1, 2, -2, 5, random.chance(0.1) ? 300 : 3]);
  }
  // Inner dimensions that follow each other seamlessly, which the referee joins.
  if (random.chance(0.5)) seamless(strides, shape, outRank);
  const { least, most } = range(strides, shape);
  let offset = -least + random.int(0, 3);
  let elements = most + offset + 1 + random.int(0, 3);
  const bounds: Bound[] = [];
  switch (random.int(0, 5)) {
    case 0: {
      // Padding exactly where the index leaves the tensor.
      offset -= random.int(0, Math.ceil((most - least) / 3));
      elements = Math.max(1, elements - random.int(0, Math.ceil((most - least) / 3)));
      bounds.push({ limit: elements, ...form(offset, strides, outRank) });
      break;
    }
    case 1: {
      // Leaves the tensor somewhere, perhaps, with a bound or without.
      offset += random.int(-2, 2);
      elements = Math.max(1, elements - random.int(0, 4));
      break;
    }
    default:
  }
  const more = random.pick([0, 0, 0, 1, 1, 2, 4 - bounds.length]);
  for (let i = 0; i < more; i++) {
    const coefficients = shape.map(() => (random.chance(0.5) ? 0 : random.int(-3, 3)));
    if (random.chance(0.3)) seamless(coefficients, shape, outRank);
    // Or such that whole inner runs are inside or outside.
    else if (random.chance(0.5)) coefficients.fill(0, shape.length - random.int(0, shape.length - outRank));
    const reach = range(coefficients, shape);
    bounds.push({
      limit: random.chance(0.05)
        ? random.pick([0, 2 ** 32 - 1])
        : random.int(1, reach.most - reach.least + 3),
      ...form(-reach.least - random.int(-1, 3), coefficients, outRank),
    });
  }
  return { map: form(offset, strides, outRank), elements, bounds };
}

const INT_OPS: readonly Opcode[] = ["iadd", "isub", "imul", "imax", "imin"];
const FLOAT_OPS: readonly Opcode[] = ["fadd", "fsub", "fmul", "fdiv"];

function randomExpression(random: Random, operands: readonly Operand[], accumulates: boolean) {
  const expression: Operation[] = [];
  const ints: number[] = [];
  const floats: number[] = [];
  const put = (code: Opcode, isFloat: boolean, a = 0, b = 0, imm = 0) => {
    (isFloat ? floats : ints).push(expression.push({ code, a, b, imm }) - 1);
  };
  if (accumulates && random.chance(0.9)) put("acc", false);
  for (const [number, { dtype }] of operands.entries())
    if (random.chance(0.7)) put("load", dtype === "f32", number);
  const length =
    Math.max(expression.length, 1) +
    (random.chance(0.02) ? 64 - Math.max(expression.length, 1) : random.int(0, 8));
  while (expression.length < length || expression.length === 0) {
    const choice = random.int(0, 9);
    if (choice === 0) put("int", false, 0, 0, random.pick([...EDGE_INTS, random.bits() | 0]));
    else if (choice === 1)
      put("float", true, 0, 0, random.pick([...EDGE_FLOATS, 0x3b000000, 0x42c80000, random.bits()]) | 0);
    else if (choice <= 3 && ints.length > 0)
      put(random.pick(INT_OPS), false, random.pick(ints), random.pick(ints));
    else if (choice <= 5 && floats.length > 0)
      put(random.pick(FLOAT_OPS), true, random.pick(floats), random.pick(floats));
    else if (choice <= 6 && ints.length > 0) put("tofloat", true, random.pick(ints));
    else if (choice <= 9 && floats.length > 0 && expression.length + 2 <= 64) {
      const code = random.pick(["quantise_u8", "quantise_i8"] as const);
      const zero = code === "quantise_u8" ? random.int(0, 255) : random.int(-128, 127);
      put("int", false, 0, 0, random.chance(0.02) ? 256 : zero);
      put(
        code,
        false,
        random.pick(floats),
        random.chance(0.03) ? random.pick(ints) : (ints.at(-1) as number),
      );
    }
  }
  return { expression, isFloat: floats.at(-1) === expression.length - 1 };
}
