import { malformed } from "./malformed.ts";
import { MAX_INSTRUCTIONS } from "./validate.ts";

/**
 * A program as one file: u32 count, then per instruction u32 length and its bytes; big-endian. What goes in and comes out are
 * encoded instructions, since those are what the program root commits to.
 *
 * @example
 * const instructions = decodeProgram(file).map(decodeInstruction);
 */
export function encodeProgram(instructions: readonly Uint8Array[]): Uint8Array {
  const total = instructions.reduce((sum, bytes) => sum + 4 + bytes.length, 4);
  const file = new Uint8Array(total);
  const view = new DataView(file.buffer);
  view.setUint32(0, instructions.length);
  let at = 4;
  for (const bytes of instructions) {
    view.setUint32(at, bytes.length);
    file.set(bytes, at + 4);
    at += 4 + bytes.length;
  }
  return file;
}

/**
 * The encoded instructions of a program file, as copies.
 *
 * @throws FatalError PROGRAM_MALFORMED when bytes are missing or left over, or there are none or more than 2^20 instructions.
 */
export function decodeProgram(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const need = (at: number, width: number) => {
    if (at + width > file.length)
      throw malformed(null, `the file ends at byte ${file.length} in the middle of a field`);
  };
  need(0, 4);
  const count = view.getUint32(0);
  if (count < 1 || count > MAX_INSTRUCTIONS) throw malformed(null, `${count} instructions, not 1 to 2^20`);
  const instructions: Uint8Array[] = [];
  let at = 4;
  for (let index = 0; index < count; index++) {
    need(at, 4);
    const length = view.getUint32(at);
    need(at + 4, length);
    instructions.push(file.slice(at + 4, at + 4 + length));
    at += 4 + length;
  }
  if (at !== file.length) throw malformed(null, `${file.length - at} bytes follow its last instruction`);
  return instructions;
}
