/** The little of WebAssembly's binary format that `keccak-module.ts` needs (https://webassembly.github.io/spec/core/binary). */

/** Bytes of instructions, or of any other part of a module. */
export type Code = readonly number[];

export const I32 = 0x7f;
export const V128 = 0x7b;

/** An unsigned LEB128 number. */
export function u32(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...u32(Math.floor(value / 0x80))];
}

/** A signed LEB128 number; none that is negative is needed. */
function s32(value: number): Code {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...s32(value >> 7)];
}

export const get = (local: number): Code => [0x20, ...u32(local)];
export const set = (local: number): Code => [0x21, ...u32(local)];
export const tee = (local: number): Code => [0x22, ...u32(local)];
export const call = (func: number): Code => [0x10, ...u32(func)];

export const int = (value: number): Code => [0x41, ...s32(value)];
export const add = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
/** Unsigned. */
export const lessThan = (a: Code, b: Code): Code => [...a, ...b, 0x49];

/** Does the body until the condition after it is 0. */
export const doWhile = (body: Code, condition: Code): Code => [
  0x03,
  0x40,
  ...body,
  ...condition,
  0x0d,
  0x00,
  0x0b,
];

const simd = (opcode: number): Code => [0xfd, ...u32(opcode)];
/** Alignment is a hint: no more than a byte is promised. */
const at = (offset: number): Code => [0, ...u32(offset)];

/** Vectors of two 64-bit lanes. An address is an i32 and a constant offset. */
export const vector = {
  load: (address: Code, offset: number): Code => [...address, ...simd(0x00), ...at(offset)],
  store: (address: Code, offset: number, value: Code): Code => [
    ...address,
    ...value,
    ...simd(0x0b),
    ...at(offset),
  ],
  /** The 64 bits there, in both lanes. */
  loadBoth: (address: Code, offset: number): Code => [...address, ...simd(0x0a), ...at(offset)],
  /** The 64 bits at one offset in lane 0, those at the other in lane 1. */
  loadTwo: (address: Code, offset0: number, offset1: number): Code => [
    ...address,
    ...address,
    ...simd(0x5d),
    ...at(offset0),
    ...simd(0x57),
    ...at(offset1),
    1,
  ],
  /** The inverse of `loadTwo`. */
  storeTwo: (address: Code, offset0: number, offset1: number, local: number): Code => [
    ...[...address, ...get(local), ...simd(0x5b), ...at(offset0), 0],
    ...[...address, ...get(local), ...simd(0x5b), ...at(offset1), 1],
  ],
  /** The number in both lanes. */
  constant: (value: bigint): Code => {
    const lane = Array.from({ length: 8 }, (_, byte) => Number((value >> BigInt(8 * byte)) & 0xffn));
    return [...simd(0x0c), ...lane, ...lane];
  },
  xor: (a: Code, b: Code): Code => [...a, ...b, ...simd(0x51)],
  or: (a: Code, b: Code): Code => [...a, ...b, ...simd(0x50)],
  /** a and not b. */
  andNot: (a: Code, b: Code): Code => [...a, ...b, ...simd(0x4f)],
  shiftLeft: (a: Code, bits: number): Code => [...a, ...int(bits), ...simd(0xcb)],
  shiftRight: (a: Code, bits: number): Code => [...a, ...int(bits), ...simd(0xcd)],
};

export interface Func {
  /** Of the i32 parameters, which are the first locals; nothing is returned. */
  readonly parameters: number;
  /** The further locals. */
  readonly locals: readonly { readonly type: number; readonly count: number }[];
  readonly body: Code;
  /** Undefined for an inner function. */
  readonly exportAs?: string;
}

/** A module of functions on one memory, exported as `memory`. */
export function wasmModule(funcs: readonly Func[], memoryPages: number): Uint8Array<ArrayBuffer> {
  const list = (items: readonly Code[]): Code => [...u32(items.length), ...items.flat()];
  const sized = (code: Code): Code => [...u32(code.length), ...code];
  const section = (id: number, items: readonly Code[]): Code => [id, ...sized(list(items))];
  const name = (text: string): Code => sized([...Buffer.from(text)]);
  const types = funcs.map(({ parameters }) => [0x60, ...list(Array(parameters).fill([I32])), ...list([])]);
  const exported = funcs.flatMap(({ exportAs }, index) =>
    exportAs === undefined ? [] : [[...name(exportAs), 0x00, ...u32(index)]],
  );
  const bodies = funcs.map(({ locals, body }) =>
    sized([...list(locals.map(({ type, count }) => [...u32(count), type])), ...body, 0x0b]),
  );
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, types),
    ...section(
      3,
      funcs.map((_, index) => u32(index)),
    ),
    ...section(5, [[0x00, ...u32(memoryPages)]]),
    ...section(7, [[...name("memory"), 0x02, 0x00], ...exported]),
    ...section(10, bodies),
  ]);
}
