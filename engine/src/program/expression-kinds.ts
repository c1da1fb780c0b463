import { type Dtype, type Instruction, OPCODES, type Opcode } from "./instruction.ts";
import { malformed } from "./malformed.ts";

/** What a value of an expression is: an int within int64, or an f32. */
export type Kind = "int" | "f32";

/** What an argument names: an operand, a value of one kind, or a value of either. */
type Argument = "operand" | Kind | "value";

interface Signature {
  /** Unused where missing, and then 0. */
  readonly a?: Argument;
  readonly b?: Argument;
  /** A number of its own, or a value of `b`'s kind; unused where missing, and then 0. */
  readonly imm?: "literal" | "value";
  /** Of the result; or that of the accumulator, of operand `a`, or of value `b`. */
  readonly gives: Kind | "accumulator" | "operand" | "b";
}

const BINARY_INT: Signature = { a: "int", b: "int", gives: "int" };
const BINARY_FLOAT: Signature = { a: "f32", b: "f32", gives: "f32" };
const UNARY_FLOAT: Signature = { a: "f32", gives: "f32" };
const COMPARISON: Signature = { a: "f32", b: "f32", gives: "int" };
const QUANTISE: Signature = { a: "f32", b: "int", gives: "int" };

/** Arguments and result of every operation (docs/exact-profile.md, section 2). */
export const SIGNATURES: Readonly<Record<Opcode, Signature>> = {
  acc: { gives: "accumulator" },
  load: { a: "operand", gives: "operand" },
  int: { imm: "literal", gives: "int" },
  float: { imm: "literal", gives: "f32" },
  inside: { a: "operand", gives: "int" },
  loadat: { a: "operand", b: "int", gives: "operand" },
  iadd: BINARY_INT,
  isub: BINARY_INT,
  imul: BINARY_INT,
  imax: BINARY_INT,
  imin: BINARY_INT,
  idiv: BINARY_INT,
  imod: BINARY_INT,
  ilt: BINARY_INT,
  ieq: BINARY_INT,
  ladd: BINARY_INT,
  lsub: BINARY_INT,
  lmul: BINARY_INT,
  tofloat: { a: "int", gives: "f32" },
  fadd: BINARY_FLOAT,
  fsub: BINARY_FLOAT,
  fmul: BINARY_FLOAT,
  fdiv: BINARY_FLOAT,
  fsqrt: UNARY_FLOAT,
  ffloor: UNARY_FLOAT,
  fceil: UNARY_FLOAT,
  fround: UNARY_FLOAT,
  fmax: BINARY_FLOAT,
  fmin: BINARY_FLOAT,
  flt: COMPARISON,
  feq: COMPARISON,
  fabs: UNARY_FLOAT,
  toint: { a: "f32", gives: "int" },
  quantise_u8: QUANTISE,
  quantise_i8: QUANTISE,
  select: { a: "int", b: "value", imm: "value", gives: "b" },
};

/** The kind that elements of a dtype have in an expression. */
export function kindOf(dtype: Dtype | undefined): Kind {
  return dtype === "f32" ? "f32" : "int";
}

/** What `acc` gives: an f32 for a maximum or minimum over f32. */
export function accumulatorKind({ accumulate, operands }: Instruction): Kind {
  return accumulate === "max" || accumulate === "min" ? kindOf(operands[0]?.dtype) : "int";
}

/**
 * The kind of every value of the expression, in order.
 *
 * @throws FatalError PROGRAM_MALFORMED on a later or missing argument, mixed kinds, or a non-zero unused field.
 */
export function expressionKinds(instruction: Instruction, index: number | null): Kind[] {
  const kinds: Kind[] = [];
  for (const [number, { code, a, b, imm }] of instruction.expression.entries()) {
    const fail = (what: string) => malformed(index, `operation ${number} (${code}) ${what}`);
    if (!Object.hasOwn(OPCODES, code)) throw fail("is unknown");
    if (code === "acc" && instruction.accumulate === "none") throw fail("has no accumulator to read");
    const signature = SIGNATURES[code];
    const checkValue = (argument: number, due: Kind | "value") => {
      const kind = kinds[argument];
      if (kind === undefined) throw fail(`takes value ${argument}, which does not come earlier`);
      if (due !== "value" && kind !== due)
        throw fail(`takes value ${argument}, which is ${kind} where ${due} is due`);
    };
    for (const [argument, due] of [
      [a, signature.a],
      [b, signature.b],
    ] as const) {
      if (due === undefined) {
        if (argument !== 0) throw fail(`has the unused argument ${argument}, it must be 0`);
      } else if (due === "operand") {
        if (instruction.operands[argument] === undefined)
          throw fail(`names operand ${argument} of ${instruction.operands.length}`);
      } else checkValue(argument, due);
    }
    if (signature.imm === undefined && imm !== 0) throw fail(`has the unused immediate ${imm}, it must be 0`);
    if (signature.imm === "value") checkValue(imm, kinds[b] as Kind);
    switch (signature.gives) {
      case "accumulator":
        kinds.push(accumulatorKind(instruction));
        break;
      case "operand":
        kinds.push(kindOf(instruction.operands[a]?.dtype));
        break;
      case "b":
        kinds.push(kinds[b] as Kind);
        break;
      default:
        kinds.push(signature.gives);
    }
  }
  return kinds;
}
