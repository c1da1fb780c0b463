import { bytesToHex, type Hex, hexToBytes } from "viem";
import { encodeInstruction } from "../../../engine/src/program/encode.ts";
import {
  DTYPES,
  type Dtype,
  type Instruction,
  OPCODES,
  type Opcode,
} from "../../../engine/src/program/instruction.ts";
import { startNetwork } from "./network.ts";

/** An operation on two values: ints, or f32 bits; for an operation with one argument `b` is 0. */
export interface OperationCase {
  readonly code: Opcode;
  readonly a: bigint;
  readonly b: bigint;
}

const OPERATION_CASE_BYTES = 17;

/** The referee's arithmetic without commitments, in a chain of its own. */
export async function startHarness() {
  const network = await startNetwork();
  const harness = await network.deploy("test-harness/RefereeHarness.sol");
  const read = (functionName: string, args: readonly unknown[]) =>
    network.publicClient.readContract({ ...harness, functionName, args });
  return {
    close: () => network.close(),

    /** The low 64 bits of each operation's value. */
    async operations(cases: readonly OperationCase[]): Promise<bigint[]> {
      const packed = new DataView(new ArrayBuffer(OPERATION_CASE_BYTES * cases.length));
      for (const [i, { code, a, b }] of cases.entries()) {
        packed.setUint8(OPERATION_CASE_BYTES * i, OPCODES[code]);
        packed.setBigUint64(OPERATION_CASE_BYTES * i + 1, BigInt.asUintN(64, a));
        packed.setBigUint64(OPERATION_CASE_BYTES * i + 9, BigInt.asUintN(64, b));
      }
      const result = (await read("operations", [bytesToHex(new Uint8Array(packed.buffer))])) as Hex;
      const view = new DataView(hexToBytes(result).buffer);
      return cases.map((_, i) => view.getBigUint64(8 * i));
    },

    /** Stored bits of elements of an instruction (as number `index` of a program) over whole operand tensors; null where it is malformed. */
    async evaluate(
      instruction: Instruction,
      tensors: readonly Uint8Array[],
      elements: readonly number[] = [0],
      index = 0,
    ): Promise<{ values: (bigint | null)[]; gas: number[] }> {
      const [statuses, values, gas] = (await read("evaluate", [
        index,
        bytesToHex(encodeInstruction(instruction)),
        tensors.map((bytes) => bytesToHex(bytes)),
        elements,
      ])) as [number[], bigint[], bigint[]];
      return {
        values: values.map((value, i) => (statuses[i] === 0 ? value : null)),
        gas: gas.map(Number),
      };
    },

    /** Whether each encoding decodes as instruction `index`. */
    async decodes(encodings: readonly Uint8Array[], index = 0): Promise<boolean[]> {
      return (await read("decodes", [
        encodings.map(() => index),
        encodings.map((bytes) => bytesToHex(bytes)),
      ])) as boolean[];
    },
  };
}

export type Harness = Awaited<ReturnType<typeof startHarness>>;

/** The little-endian bytes of a tensor: ints, or bits of f32. */
export function tensorBytes(dtype: Dtype, values: readonly (number | bigint)[]): Uint8Array {
  const width = DTYPES[dtype].bytes;
  const view = new DataView(new ArrayBuffer(width * values.length));
  for (const [i, value] of values.entries()) {
    const bits = BigInt.asUintN(8 * width, BigInt(value));
    if (width === 8) view.setBigUint64(8 * i, bits, true);
    else if (width === 4) view.setUint32(4 * i, Number(bits), true);
    else view.setUint8(i, Number(bits));
  }
  return new Uint8Array(view.buffer);
}
