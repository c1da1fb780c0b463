import { bytesToHex, encodeFunctionData, type Hex } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeInstruction } from "../../../engine/src/program/encode.ts";
import type { Instruction, Operand } from "../../../engine/src/program/instruction.ts";
import {
  leafHash,
  listHash,
  NO_WITNESS,
  type OperandWitness,
  rootOf,
  tensorTree,
  treeOf,
  witnessOf,
  ZERO_HASH,
} from "../support/commitment.ts";
import { inputOperand, mapInstruction, operation } from "../support/instructions.ts";
import { type Network, startNetwork } from "../support/network.ts";
import { expectSnapshot } from "../support/snapshot.ts";

const LEAVES = 1024;
const tensor = Uint8Array.from({ length: 256 * LEAVES }, (_, i) => (i * 89) ^ (i >> 7));
const inputRoots = [rootOf(tensorTree(tensor))];

/** What of a step's execution is not in referee-gas.json: the call, decoding, proofs. */
describe("gas of judge", () => {
  let network: Network;
  let referee: Awaited<ReturnType<Network["deploy"]>>;
  let meter: Awaited<ReturnType<Network["deploy"]>>;
  beforeAll(async () => {
    network = await startNetwork();
    referee = await network.deploy("dispute/StepReferee.sol");
    meter = await network.deploy("test-harness/GasMeter.sol");
  });
  afterAll(() => network.close());

  async function gasOf(
    parameters: {
      readonly operands?: readonly Operand[];
      readonly expression?: Instruction["expression"];
      readonly witnesses?: readonly OperandWitness[];
      /** Reduces operand 0 over its one reduction dimension. */
      readonly sum?: number;
      readonly trace?: { readonly root: Hex; readonly count: number };
    } = {},
  ): Promise<number> {
    const { operands = [], expression = [operation("int")], witnesses, sum, trace } = parameters;
    const usesInputs = operands.some(({ space }) => space === "input");
    const plain = mapInstruction({ outDtype: "u8", outDims: [2], operands, expression });
    const instruction: Instruction =
      sum === undefined ? plain : { ...plain, accumulate: "sum", reduceDims: [sum] };
    const data = encodeFunctionData({
      abi: referee.abi,
      functionName: "judge",
      args: [
        {
          traceRoot: trace?.root ?? ZERO_HASH,
          weightsRoot: ZERO_HASH,
          inputRoot: listHash(inputRoots),
          instructionCount: trace?.count ?? 1,
          weightCount: 0,
        },
        1,
        bytesToHex(encodeInstruction(instruction)),
        0,
        0n,
        usesInputs ? inputRoots : [],
        witnesses ?? operands.map(() => NO_WITNESS),
      ],
    });
    // A step that reverts would be measured just as well.
    await network.publicClient.call({ to: referee.address, data });
    const [gas] = (await network.publicClient.readContract({
      ...meter,
      functionName: "measure",
      args: [referee.address, data],
    })) as [bigint, Hex];
    return Number(gas);
  }

  it("is the committed one", async () => {
    const base = await gasOf();
    const constants = (count: number) => Array.from({ length: count }, () => operation("int"));
    const additions = (count: number) => [
      operation("int"),
      ...Array.from({ length: count }, () => operation("iadd")),
    ];
    const perConstant = ((await gasOf({ expression: constants(64) })) - base) / 63;
    const perAddition =
      ((await gasOf({ expression: additions(60) })) - (await gasOf({ expression: additions(20) }))) / 40;

    const bound = { limit: 9, offset: 0, out: [1], reduce: [] };
    const unread = (count: number, bounds: number) =>
      gasOf({
        operands: Array.from({ length: count }, () => ({
          ...inputOperand("u8", 0, tensor.length),
          space: "trace" as const,
          bounds: Array.from({ length: bounds }, () => bound),
        })),
      });
    const perOperand = ((await unread(8, 0)) - (await unread(4, 0))) / 4;
    const perBound = ((await unread(8, 4)) - (await unread(8, 0))) / 32;

    const load = [operation("load")];
    const leaves = (count: number, apart: number) =>
      gasOf({
        operands: [inputOperand("u8", 0, tensor.length)],
        expression: load,
        witnesses: [
          witnessOf(
            tensor,
            Array.from({ length: count }, (_, i) => 256 * apart * i),
            null,
          ),
        ],
      });
    const scattered = (count: number, stride: number) =>
      gasOf({
        operands: [
          inputOperand("u8", 0, tensor.length, {
            map: { offset: stride < 0 ? -stride * (count - 1) : 0, out: [0], reduce: [stride] },
          }),
        ],
        expression: [operation("acc")],
        sum: count,
        witnesses: [
          witnessOf(
            tensor,
            Array.from({ length: count }, (_, i) => Math.abs(stride) * i),
            null,
          ),
        ],
      });
    const inTrace = (height: number) => {
      const small = tensor.subarray(0, 256);
      const hashes = [
        rootOf(tensorTree(small)),
        ...Array.from({ length: 2 ** height - 1 }, (_, i) => leafHash(Uint8Array.of(i))),
      ];
      const tree = treeOf(hashes);
      return gasOf({
        operands: [{ ...inputOperand("u8", 0, 256), space: "trace" }],
        expression: load,
        witnesses: [witnessOf(small, [0], { tree, position: 0 })],
        trace: { root: rootOf(tree), count: hashes.length },
      });
    };
    const one = await inTrace(0);
    const figures = {
      "an instruction of one int": base,
      "a further int, decoded and computed": perConstant,
      "a further iadd, decoded and computed": perAddition,
      "an operand, decoded": perOperand,
      "a bound, decoded": perBound,
      "an operand of the trace, decoded, proven and loaded": one - base,
      "a level of the trace's or the weights' tree": ((await inTrace(8)) - one) / 8,
      "a leaf beside the last": ((await leaves(128, 1)) - (await leaves(64, 1))) / 64,
      "a leaf 16 away from the last": ((await leaves(64, 16)) - (await leaves(32, 16))) / 32,
      "the same, and one byte of it summed": ((await scattered(64, 4096)) - (await scattered(32, 4096))) / 32,
      "the same, downwards": ((await scattered(64, -4096)) - (await scattered(32, -4096))) / 32,
    };
    expect(figures["an instruction of one int"]).toBeLessThan(10_000);
    expectSnapshot(
      "judge-gas.json",
      Object.fromEntries(Object.entries(figures).map(([name, gas]) => [name, Math.round(gas)])),
    );
  });
});
