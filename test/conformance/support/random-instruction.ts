import type { Random } from "../../../contracts/test/support/random.ts";
import { type Kind, kindOf, SIGNATURES } from "../../../engine/src/program/expression-kinds.ts";
import {
  ACCUMULATED_OPERANDS,
  type Accumulate,
  type AffineForm,
  type Bound,
  DTYPES,
  type Dtype,
  type Instruction,
  OPCODES,
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
  0xbf000000, 0x3fc00000, 0x4b000001, 0x4effffff, 0xcf000000,
];
const EDGE_INTS = [0, 1, -1, 127, 128, -128, 255, 256, 2 ** 31 - 1, -(2 ** 31)];
const EDGE_LONGS = [
  ...EDGE_INTS.map(BigInt),
  ...[2n ** 31n, 2n ** 32n, -(2n ** 32n) - 1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)],
];

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
    } else if (dtype === "i64") {
      if (edge) view.setBigInt64(8 * i, random.pick(EDGE_LONGS), true);
      else if (random.chance(0.7)) view.setBigInt64(8 * i, BigInt(random.int(-70_000, 70_000)), true);
    } else if (dtype === "i32") {
      if (edge) view.setInt32(4 * i, random.pick(EDGE_INTS), true);
      else if (random.chance(0.7)) view.setInt32(4 * i, random.int(-70_000, 70_000), true);
    } else if (edge) {
      bytes[i] = random.pick([0, 1, 127, 128, 192, 64, 255]);
    }
  }
  return bytes;
}

const ALL = Object.keys(DTYPES) as Dtype[];
const REDUCED: Readonly<Record<Accumulate, readonly Dtype[]>> = {
  none: [],
  dot: ["u8", "i8"],
  sum: ["u8", "i8", "i32", "i64"],
  max: ALL,
  min: ALL,
};

/** A well-formed instruction of any kind. Some of its elements may still be malformed: an index outside, an empty maximum, a zero point. */
export function randomCase(random: Random): Case {
  const accumulate = random.pick(["none", "none", "dot", "dot", "dot", "sum", "sum", "max", "min"] as const);
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
  const accumulated = ACCUMULATED_OPERANDS[accumulate];
  const count = Math.max(accumulated + random.int(0, 2), random.chance(0.1) ? 6 : 0);
  const shape = [...outDims, ...reduceDims];
  const runs = random.pick([[1, -1], [-1, 1], [1, 1], [-1, -1], null, null]);
  const operands: Operand[] = [];
  for (let number = 0; number < count; number++) {
    const dtype = random.pick(number < accumulated ? REDUCED[accumulate] : ALL);
    const step = accumulate === "dot" ? runs?.[number] : undefined;
    const { map, elements, bounds } = randomMap(random, shape, outDims.length, step);
    const space = random.pick(["trace", "weight", "input"] as const);
    const index = spaces[space].push(randomTensor(random, dtype, elements)) - 1;
    operands.push({ space, dtype, index, elements, map, bounds });
  }
  const zero = () => random.pick([0, 0, 1, 128, 255, -128, random.int(-300, 300), random.bits() | 0]);
  const { expression, last } = randomExpression(random, operands, accumulate);
  const instruction: Instruction = {
    accumulate,
    outDtype: last === "f32" ? "f32" : random.pick(["u8", "i8", "i32", "i64"]),
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

const OPERATIONS = (Object.keys(OPCODES) as Opcode[]).filter((code) => code !== "acc" && code !== "load");

function randomExpression(random: Random, operands: readonly Operand[], accumulate: Accumulate) {
  const expression: Operation[] = [];
  const kinds: Kind[] = [];
  const put = (kind: Kind, code: Opcode, a = 0, b = 0, imm = 0) => {
    expression.push({ code, a, b, imm });
    kinds.push(kind);
  };
  const valuesOf = (kind: Kind) => [...kinds.keys()].filter((number) => kinds[number] === kind);
  const reduced = accumulate === "max" || accumulate === "min" ? kindOf(operands[0]?.dtype) : "int";
  if (accumulate !== "none" && random.chance(0.9)) put(reduced, "acc");
  for (const [number, { dtype }] of operands.entries())
    if (random.chance(0.7)) put(kindOf(dtype), "load", number);

  /** Puts the operation with random arguments, if there are any of the kinds it takes. */
  const apply = (code: Opcode) => {
    const signature = SIGNATURES[code];
    const kind = random.pick(["int", "f32"] as const);
    const arguments_ = [signature.a, signature.b, signature.imm].map((argument) => {
      if (argument === undefined) return 0;
      if (argument === "operand") return operands.length > 0 ? random.int(0, operands.length - 1) : null;
      if (argument === "literal") return randomLiteral(random, code);
      const values = valuesOf(argument === "value" ? kind : argument);
      return values.length > 0 ? random.pick(values) : null;
    });
    if (arguments_.includes(null)) return;
    const [a, b, imm] = arguments_ as [number, number, number];
    const gives = { operand: kindOf(operands[a]?.dtype), accumulator: reduced, b: kind };
    put(
      signature.gives === "int" || signature.gives === "f32" ? signature.gives : gives[signature.gives],
      code,
      a,
      b,
      imm,
    );
  };
  const length =
    Math.max(expression.length, 1) +
    (random.chance(0.02) ? 64 - Math.max(expression.length, 1) : random.int(0, 10));
  while (expression.length < length) {
    const code = random.pick(OPERATIONS);
    const zeroed = code === "quantise_u8" || code === "quantise_i8";
    const near = code === "loadat" && random.chance(0.7);
    if ((!zeroed && !near) || random.chance(0.03)) {
      apply(code);
    } else if (expression.length + 2 <= 64 && (near ? operands.length : valuesOf("f32").length) > 0) {
      // A zero point in range and a short way, which arbitrary ints are not.
      const [least, most] = near ? [-4, 4] : code === "quantise_u8" ? [0, 255] : [-128, 127];
      put("int", "int", 0, 0, zeroed && random.chance(0.02) ? 256 : random.int(least, most));
      const last = expression.length - 1;
      if (near) {
        const number = random.int(0, operands.length - 1);
        put(kindOf(operands[number]?.dtype), code, number, last);
      } else put("int", code, random.pick(valuesOf("f32")), last);
    }
  }
  return { expression, last: kinds.at(-1) as Kind };
}

function randomLiteral(random: Random, code: Opcode): number {
  if (code === "float") return random.pick([...EDGE_FLOATS, 0x3b000000, 0x42c80000, random.bits()]) | 0;
  return random.pick([...EDGE_INTS, random.bits() | 0]);
}
