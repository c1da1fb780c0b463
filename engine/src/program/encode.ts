import { ACCUMULATORS, type AffineForm, DTYPES, type Instruction, OPCODES, SPACES } from "./instruction.ts";
import { malformed } from "./malformed.ts";

const LIMITS = {
  u8: { bytes: 1, least: 0, most: 0xff },
  u32: { bytes: 4, least: 0, most: 0xffff_ffff },
  i32: { bytes: 4, least: -0x8000_0000, most: 0x7fff_ffff },
} as const;
type Field = keyof typeof LIMITS;

/**
 * The bytes of an instruction (docs/exact-profile.md, section 3).
 *
 * Refuses what has no encoding: a number that its field cannot hold, a form without one coefficient per dim. Every other rule is
 * `checkInstruction`'s.
 *
 * @throws FatalError PROGRAM_MALFORMED
 */
export function encodeInstruction(instruction: Instruction): Uint8Array {
  const fields: [Field, number][] = [];
  const put = (field: Field, value: number) => fields.push([field, value]);
  const putForm = (form: AffineForm) => {
    const { outDims, reduceDims } = instruction;
    if (form.out.length !== outDims.length || form.reduce.length !== reduceDims.length) {
      throw malformed(
        null,
        `a form has ${form.out.length} + ${form.reduce.length} coefficients for ${outDims.length} + ${reduceDims.length} dims`,
      );
    }
    put("i32", form.offset);
    for (const coefficient of form.out) put("i32", coefficient);
    for (const coefficient of form.reduce) put("i32", coefficient);
  };

  put("u8", ACCUMULATORS[instruction.accumulate]);
  put("u8", DTYPES[instruction.outDtype].code);
  put("u8", instruction.outDims.length);
  put("u8", instruction.reduceDims.length);
  for (const dim of instruction.outDims) put("u32", dim);
  for (const dim of instruction.reduceDims) put("u32", dim);
  put("i32", instruction.aZero);
  put("i32", instruction.bZero);
  put("u8", instruction.operands.length);
  for (const operand of instruction.operands) {
    put("u8", SPACES[operand.space]);
    put("u8", DTYPES[operand.dtype].code);
    put("u32", operand.index);
    put("u32", operand.elements);
    putForm(operand.map);
    put("u8", operand.bounds.length);
    for (const bound of operand.bounds) {
      put("u32", bound.limit);
      putForm(bound);
    }
  }
  put("u8", instruction.expression.length);
  for (const operation of instruction.expression) {
    put("u8", OPCODES[operation.code]);
    put("u8", operation.a);
    put("u8", operation.b);
    put("i32", operation.imm);
  }
  return writeFields(fields);
}

function writeFields(fields: readonly [Field, number][]): Uint8Array {
  const bytes = new Uint8Array(fields.reduce((sum, [field]) => sum + LIMITS[field].bytes, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [field, value] of fields) {
    const { bytes: width, least, most } = LIMITS[field];
    if (!Number.isInteger(value) || value < least || value > most) {
      throw malformed(null, `${value} at byte ${at} of an instruction does not fit ${field}`);
    }
    if (width === 1) view.setUint8(at, value);
    else if (field === "u32") view.setUint32(at, value);
    else view.setInt32(at, value);
    at += width;
  }
  return bytes;
}
