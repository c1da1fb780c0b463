import { bytesToHex, encodeFunctionData, type Hex, hexToBytes, slice } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeInstruction } from "../../../engine/src/program/encode.ts";
import type { Instruction } from "../../../engine/src/program/instruction.ts";
import {
  leavesOf,
  listHash,
  NO_WITNESS,
  type OperandWitness,
  rootOf,
  tensorTree,
  witnessOf,
  ZERO_HASH,
} from "../support/commitment.ts";
import { tensorBytes } from "../support/harness.ts";
import { inputOperand, mapInstruction, operation } from "../support/instructions.ts";
import { type Network, startNetwork } from "../support/network.ts";
import { fuzzCount, fuzzSeed, randomFrom } from "../support/random.ts";

const SAME = 0;
const DIFFERENT = 1;

/** 20 rows of an embedding of 40 int64: row r, column c is r * 2^40 - c. */
const ROWS = 20;
const COLUMNS = 40;
const table = tensorBytes(
  "i64",
  Array.from(
    { length: ROWS * COLUMNS },
    (_, i) => BigInt(Math.floor(i / COLUMNS)) * 2n ** 40n - BigInt(i % COLUMNS),
  ),
);
/** Row numbers, some beyond the table. */
const TOKENS = [0n, 19n, 7n, 20n, -1n, -20n, 2n ** 62n, -(2n ** 63n)];
const tokens = tensorBytes("i64", TOKENS);

/** Row tokens[t], column c of the table; -1 where the token is no row and where the third operand's bound, c < 39, does not hold. */
const gather: Instruction = mapInstruction({
  outDtype: "i64",
  outDims: [TOKENS.length, COLUMNS],
  operands: [
    inputOperand("i64", 0, ROWS * COLUMNS, { map: { offset: 0, out: [0, 1], reduce: [] } }),
    inputOperand("i64", 1, TOKENS.length, { map: { offset: 0, out: [1, 0], reduce: [] } }),
    inputOperand("u8", 2, 1, {
      map: { offset: 900, out: [0, 0], reduce: [] },
      bounds: [{ limit: COLUMNS - 1, offset: 0, out: [0, 1], reduce: [] }],
    }),
  ],
  expression: [
    operation("load", 1),
    operation("int", 0, 0, COLUMNS),
    operation("lmul", 0, 1),
    operation("loadat", 0, 2),
    operation("inside", 2),
    operation("int", 0, 0, -1),
    operation("select", 4, 3, 5),
  ],
});

const tensors = [table, tokens, new Uint8Array([9])];
const inputRoots = tensors.map((tensor) => rootOf(tensorTree(tensor)));
const roots = {
  traceRoot: ZERO_HASH,
  weightsRoot: ZERO_HASH,
  inputRoot: listHash(inputRoots),
  instructionCount: 1,
  weightCount: 0,
};

/** The witness of `witnessed` byte offsets of the table, the tokens and nothing else. */
const operandsOf = (witnessed: readonly number[], tokensToo = true): OperandWitness[] => [
  witnessOf(table, witnessed, null),
  tokensToo ? witnessOf(tokens, [0], null) : NO_WITNESS,
  NO_WITNESS,
];

const elementOf = (token: number, column: number) => token * COLUMNS + column;
const byteOf = (row: number, column: number) => 8 * (row * COLUMNS + column);

describe("StepReferee, computed indices", () => {
  let network: Network;
  let referee: Awaited<ReturnType<Network["deploy"]>>;
  beforeAll(async () => {
    network = await startNetwork();
    referee = await network.deploy("dispute/StepReferee.sol");
  });

  const callOf = (
    element: number,
    posted: bigint,
    operands: readonly OperandWitness[],
    instruction: Instruction = gather,
  ) => {
    const encoded = bytesToHex(encodeInstruction(instruction));
    const bits = BigInt.asUintN(64, posted);
    return {
      abi: referee.abi,
      functionName: "judge",
      args: [roots, 0, encoded, element, bits, inputRoots, operands],
    };
  };

  const judge = (...call: Parameters<typeof callOf>) =>
    network.publicClient.readContract({ address: referee.address, ...callOf(...call) }) as Promise<
      readonly [number, bigint]
    >;
  afterAll(() => network.close());

  it("reads the element that the data point to, all 64 bits of it", async () => {
    for (const [token, row] of [
      [0, 0],
      [1, 19],
      [2, 7],
    ] as const) {
      for (const column of [0, 5, 38]) {
        const right = BigInt(row) * 2n ** 40n - BigInt(column);
        const operands = operandsOf([byteOf(row, column)]);
        const element = elementOf(token, column);
        const bits = BigInt.asUintN(64, right);
        expect(await judge(element, right, operands)).toEqual([SAME, bits]);
        expect(await judge(element, right ^ 1n, operands)).toEqual([DIFFERENT, bits]);
        expect(await judge(element, right ^ (1n << 63n), operands)).toEqual([DIFFERENT, bits]);
      }
    }
  });

  it("needs the leaf that holds the index, and no other", async () => {
    const element = elementOf(2, 5);
    const right = 7n * 2n ** 40n - 5n;
    const leaf = byteOf(7, 5) >> 8;
    const leaves = leavesOf(table).length;
    for (let other = 0; other < leaves; other++) {
      const answer = judge(element, right, operandsOf([other * 256]));
      if (other === leaf) expect(await answer).toEqual([SAME, right]);
      else await expect(answer).rejects.toThrow(`(0, ${leaf})`);
    }
    const others = Array.from({ length: leaves }, (_, i) => i * 256).filter((offset) => offset >> 8 !== leaf);
    await expect(judge(element, right, operandsOf(others))).rejects.toThrow("OperandLeafMissing");
    await expect(judge(element, right, operandsOf([]))).rejects.toThrow(`(0, ${leaf})`);
    // More than is needed harms nothing.
    expect(await judge(element, right, operandsOf([0, byteOf(7, 5), byteOf(19, 0)]))).toEqual([SAME, right]);
  });

  it("takes no leaf that is not proven", async () => {
    const element = elementOf(2, 5);
    const right = 7n * 2n ** 40n - 5n;
    const [good, ...rest] = operandsOf([byteOf(7, 5)]) as [OperandWitness, ...OperandWitness[]];
    const flipped = Uint8Array.from(Buffer.from(good.data.slice(2), "hex"));
    flipped[17] = (flipped[17] as number) ^ 1;
    const changes: Partial<OperandWitness>[] = [
      { data: bytesToHex(flipped) },
      { leaves: good.leaves.map((leaf) => leaf + 1) },
      { tensorRoot: ZERO_HASH },
      { tensorProof: [ZERO_HASH] },
      { proof: [...good.proof, ZERO_HASH] },
      { proof: good.proof.slice(1) },
      { data: `${good.data}00` as Hex },
    ];
    for (const change of changes) {
      await expect(judge(element, right, [{ ...good, ...change }, ...rest])).rejects.toThrow(
        "OperandNotProven",
      );
    }
    // The table's leaves under the tokens' root.
    const other = { ...good, tensorRoot: inputRoots[1] as Hex };
    await expect(judge(element, right, [other, ...rest])).rejects.toThrow("OperandNotProven");
  });

  it("names the leaf of the index where that is not there, whatever is there to be read", async () => {
    for (const witnessed of [[], [0], [byteOf(7, 5)]]) {
      await expect(judge(elementOf(2, 5), 0n, operandsOf(witnessed, false))).rejects.toThrow("(1, 0)");
    }
  });

  it("gives 0 for an index outside the tensor, without a leaf and whatever is carried instead", async () => {
    const garbage = { tensorRoot: ZERO_HASH, tensorProof: [], leaves: [9], data: "0x12" as Hex, proof: [] };
    for (const [token, value] of TOKENS.entries()) {
      // lmul wraps: 2^62 * 40 and -2^63 * 40 are 0 mod 2^64.
      const row = BigInt.asIntN(64, value * BigInt(COLUMNS)) / BigInt(COLUMNS);
      if (row >= 0n && row < BigInt(ROWS)) continue;
      const [, second, third] = operandsOf([]) as [OperandWitness, OperandWitness, OperandWitness];
      for (const first of [NO_WITNESS, garbage]) {
        expect(await judge(elementOf(token, 3), 0n, [first, second, third])).toEqual([SAME, 0n]);
        expect(await judge(elementOf(token, 3), 5n, [first, second, third])).toEqual([DIFFERENT, 0n]);
      }
    }
    // The index -1 * 40 + 39 = -1, and 20 * 40: one element beside the table on either side.
    expect(await judge(elementOf(3, 0), 0n, operandsOf([]))).toEqual([SAME, 0n]);
    await expect(judge(elementOf(6, 3), 0n, operandsOf([]))).rejects.toThrow("(0, 0)");
  });

  it("reads at an index that a reduction gives, and names the reduction's leaf where that is not there", async () => {
    // The largest of tokens 0 to 2 is 19: element 19 of the table.
    const instruction: Instruction = {
      ...gather,
      accumulate: "max",
      outDims: [1],
      reduceDims: [3],
      operands: [
        inputOperand("i64", 1, TOKENS.length, { map: { offset: 0, out: [0], reduce: [1] } }),
        inputOperand("i64", 0, ROWS * COLUMNS, { map: { offset: 0, out: [0], reduce: [0] } }),
      ],
      expression: [operation("acc"), operation("loadat", 1, 0)],
    };
    const witnesses = [witnessOf(tokens, [0], null), witnessOf(table, [8 * 19], null)] as const;
    const bits = BigInt.asUintN(64, -19n);
    expect(await judge(0, -19n, witnesses, instruction)).toEqual([SAME, bits]);
    await expect(judge(0, -19n, [witnesses[0], NO_WITNESS], instruction)).rejects.toThrow("(1, 0)");
    for (const table of [NO_WITNESS, witnesses[1]]) {
      await expect(judge(0, -19n, [NO_WITNESS, table], instruction)).rejects.toThrow("(0, 0)");
    }
  });

  it("never lets a changed witness turn a right element into a wrong one", async () => {
    const random = randomFrom(fuzzSeed());
    const seen = { same: 0, refused: 0 };
    for (let run = 0; run < fuzzCount(150); run++) {
      const token = random.int(0, 2);
      const column = random.int(0, COLUMNS - 2);
      const row = [0, 19, 7][token] as number;
      const right = BigInt(row) * 2n ** 40n - BigInt(column);
      const elsewhere = random.int(0, table.length - 1);
      const operands = operandsOf(
        random.chance(0.5) ? [byteOf(row, column)] : [byteOf(row, column), elsewhere],
      );
      const data = hexToBytes(encodeFunctionData(callOf(elementOf(token, column), right, operands)));
      // Anywhere behind the roots, the instruction and the posted element, which the game fills in: the witness.
      const start = 4 + 32 * 11 + 32 * (1 + Math.ceil(encodeInstruction(gather).length / 32));
      for (let i = random.int(1, 3); i > 0; i--) {
        const place = random.int(start, data.length - 1);
        data[place] = random.chance(0.5)
          ? random.int(0, 255)
          : (data[place] as number) ^ (1 << random.int(0, 7));
      }
      const result = await network.publicClient
        .call({ to: referee.address, data: bytesToHex(data) })
        .catch(() => null);
      if (result === null) seen.refused++;
      else {
        seen.same++;
        const verdict = BigInt(slice(result.data as Hex, 0, 32));
        expect(verdict, `seed ${random.seed}, run ${run}: ${bytesToHex(data)}`).toBe(0n);
      }
    }
    expect(Math.min(seen.refused, seen.same), `seed ${random.seed}`).toBeGreaterThan(0);
  });

  it("asks nothing of an operand whose bounds alone are looked at", async () => {
    const right = BigInt.asUintN(64, -1n);
    const operands = operandsOf([byteOf(7, 39)]);
    expect(await judge(elementOf(2, 39), -1n, operands)).toEqual([SAME, right]);
    const garbage = { tensorRoot: ZERO_HASH, tensorProof: [], leaves: [9], data: "0x12" as Hex, proof: [] };
    expect(await judge(elementOf(2, 39), -1n, [...operands.slice(0, 2), garbage])).toEqual([SAME, right]);
  });
});
