import { checkInstruction } from "./check.ts";
import {
  ACCUMULATORS,
  type Accumulate,
  type AffineForm,
  DTYPES,
  type Dtype,
  type Instruction,
  OPCODES,
  type Opcode,
  type Operand,
  type Operation,
  SPACES,
  type Space,
} from "./instruction.ts";
import { malformed } from "./malformed.ts";

function byCode<Name extends string>(entries: [Name, number][]): ReadonlyMap<number, Name> {
  return new Map(entries.map(([name, code]) => [code, name]));
}

const ACCUMULATE_BY_CODE = byCode(Object.entries(ACCUMULATORS) as [Accumulate, number][]);
const SPACE_BY_CODE = byCode(Object.entries(SPACES) as [Space, number][]);
const OPCODE_BY_CODE = byCode(Object.entries(OPCODES) as [Opcode, number][]);
const DTYPE_BY_CODE = byCode(
  (Object.keys(DTYPES) as Dtype[]).map((dtype): [Dtype, number] => [dtype, DTYPES[dtype].code]),
);

/** Reads big-endian fields; every read past the end is malformed. */
class Reader {
  readonly #view: DataView;
  readonly #index: number;
  #at = 0;

  constructor(bytes: Uint8Array, index: number) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#index = index;
  }

  #advance(width: number): number {
    const at = this.#at;
    if (at + width > this.#view.byteLength) {
      throw malformed(this.#index, `it ends at byte ${this.#view.byteLength} in the middle of a field`);
    }
    this.#at = at + width;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4));
  }

  /** A u8 of at most `most`, so that a wrong count is named before it is followed. */
  count(most: number, what: string): number {
    const count = this.u8();
    if (count > most) throw malformed(this.#index, `${count} ${what}, at most ${most} are allowed`);
    return count;
  }

  named<Name>(names: ReadonlyMap<number, Name>, what: string): Name {
    const code = this.u8();
    const name = names.get(code);
    if (name === undefined) throw malformed(this.#index, `unknown ${what} code ${code}`);
    return name;
  }

  end(): void {
    const left = this.#view.byteLength - this.#at;
    if (left > 0) throw malformed(this.#index, `${left} bytes follow its last operation`);
  }
}

function times<Value>(count: number, read: () => Value): Value[] {
  return Array.from({ length: count }, read);
}

/**
 * The instruction behind its bytes, checked for every rule that its own bytes show (`checkInstruction`).
 *
 * @param index Number of the instruction in its program: trace operands must come earlier.
 * @throws FatalError PROGRAM_MALFORMED
 */
export function decodeInstruction(bytes: Uint8Array, index: number): Instruction {
  const reader = new Reader(bytes, index);
  const accumulate = reader.named(ACCUMULATE_BY_CODE, "accumulator");
  const outDtype = reader.named(DTYPE_BY_CODE, "dtype");
  const n = reader.count(8, "output dims");
  const m = reader.count(8, "reduction dims");
  const outDims = times(n, () => reader.u32());
  const reduceDims = times(m, () => reader.u32());
  const aZero = reader.i32();
  const bZero = reader.i32();
  const form = (): AffineForm => ({
    offset: reader.i32(),
    out: times(n, () => reader.i32()),
    reduce: times(m, () => reader.i32()),
  });
  const operands = times(
    reader.count(8, "operands"),
    (): Operand => ({
      space: reader.named(SPACE_BY_CODE, "operand space"),
      dtype: reader.named(DTYPE_BY_CODE, "dtype"),
      index: reader.u32(),
      elements: reader.u32(),
      map: form(),
      bounds: times(reader.count(4, "bounds"), () => ({ limit: reader.u32(), ...form() })),
    }),
  );
  const expression = times(
    reader.count(64, "operations"),
    (): Operation => ({
      code: reader.named(OPCODE_BY_CODE, "operation"),
      a: reader.u8(),
      b: reader.u8(),
      imm: reader.i32(),
    }),
  );
  reader.end();
  const instruction = { accumulate, outDtype, outDims, reduceDims, aZero, bZero, operands, expression };
  checkInstruction(instruction, index);
  return instruction;
}
