import { type Instruction, OPCODES, type Opcode } from "./instruction.ts";
import { malformed } from "./malformed.ts";

/** What a value of an expression is: an int within int32, or an f32. */
export type Kind = "int" | "f32";

/** Kinds of the value arguments and of the result; `acc`, `load`, `int` and `float` take no values. */
export const SIGNATURES: Readonly<
  Record<Exclude<Opcode, "load">, { readonly takes: readonly Kind[]; readonly gives: Kind }>
> = {
  acc: { takes: [], gives: "int" },
  int: { takes: [], gives: "int" },
  float: { takes: [], gives: "f32" },
  iadd: { takes: ["int", "int"], gives: "int" },
  isub: { takes: ["int", "int"], gives: "int" },
  imul: { takes: ["int", "int"], gives: "int" },
  imax: { takes: ["int", "int"], gives: "int" },
  imin: { takes: ["int", "int"], gives: "int" },
  tofloat: { takes: ["int"], gives: "f32" },
  fadd: { takes: ["f32", "f32"], gives: "f32" },
  fsub: { takes: ["f32", "f32"], gives: "f32" },
  fmul: { takes: ["f32", "f32"], gives: "f32" },
  fdiv: { takes: ["f32", "f32"], gives: "f32" },
  quantise_u8: { takes: ["f32", "int"], gives: "int" },
  quantise_i8: { takes: ["f32", "int"], gives: "int" },
};

/**
 * The kind of every value of the expression, in order.
 *
 * @throws FatalError PROGRAM_MALFORMED on a later or missing argument, mixed kinds, or a non-zero unused field.
 */
export function expressionKinds(instruction: Instruction, index: number | null): Kind[] {
  const kinds: Kind[] = [];
  for (const [number, { code, a, b, imm }] of instruction.expression.entries()) {
    const fail = (what: string) => malformed(index, `operation ${number} (${code}) ${what}`);
    const immUsed = code === "int" || code === "float";
    if (!Object.hasOwn(OPCODES, code)) throw fail("is unknown");
    if (!immUsed && imm !== 0) throw fail(`has the unused immediate ${imm}, it must be 0`);
    if (code === "load") {
      const operand = instruction.operands[a];
      if (operand === undefined) throw fail(`loads operand ${a} of ${instruction.operands.length}`);
      if (b !== 0) throw fail(`has the unused argument ${b}, it must be 0`);
      kinds.push(operand.dtype === "f32" ? "f32" : "int");
      continue;
    }
    if (code === "acc" && instruction.accumulate === "none") throw fail("has no accumulator to read");
    const { takes, gives } = SIGNATURES[code];
    for (const [position, argument] of [a, b].entries()) {
      const due = takes[position];
      if (due === undefined) {
        if (argument !== 0) throw fail(`has the unused argument ${argument}, it must be 0`);
        continue;
      }
      const kind = kinds[argument];
      if (kind === undefined) throw fail(`takes value ${argument}, which does not come earlier`);
      if (kind !== due) throw fail(`takes value ${argument}, which is ${kind} where ${due} is due`);
    }
    kinds.push(gives);
  }
  return kinds;
}
