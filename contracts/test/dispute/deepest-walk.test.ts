import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inputsRoot, listHash, multiproof, toHex } from "@surety/engine";
import {
  childPlaces,
  LEAF_BYTES,
  nextMove,
  parseHash32,
  parseModelId,
  questionOf,
  revealLevels,
  traceTop,
} from "@surety/protocol";
import { keccak256 } from "viem";
import { describe, expect, it } from "vitest";
import { encodeInstruction } from "../../../engine/src/program/encode.ts";
import { mapInstruction, operation } from "../support/instructions.ts";
import { type Header, modelIdOf } from "../support/models.ts";
import { viewOf } from "../support/players.ts";
import { smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { expectSnapshot } from "../support/snapshot.ts";
import { leafHash, SparseTree } from "../support/sparse-tree.ts";
import { assigneeOf, eventOf, ZERO_ADDRESS, ZERO_HASH } from "../support/surety.ts";

/** As large as anything may be: docs/exact-profile.md, section 3. */
const INSTRUCTIONS = 2 ** 20;
const DISPUTED = INSTRUCTIONS - 1;
const DIMS = [65_535, 65_536];
const TENSOR_BYTES = 65_535 * 65_536;
const LEAVES = TENSOR_BYTES / LEAF_BYTES;
const OUTPUTS = Array.from({ length: 64 }, (_, i) => i * (INSTRUCTIONS / 64));
/** The last group of leaves that are revealed as bytes, and the element in the last of them. */
const FIRST = LEAVES - 4;
const ELEMENT = TENSOR_BYTES - 1;

const bytesOf = (seed: number, length: number) =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 7) & 0xff);
const leavesFrom = (data: Uint8Array) =>
  new Map(
    [0, 1, 2, 3].map((i) => [FIRST + i, leafHash(data.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES))]),
  );

/** The liar's tensor says 3 more than what the instruction before it has; each operand is as large and as deep. */
const operandData = bytesOf(1, 4 * LEAF_BYTES);
const told = operandData.slice();
told[4 * LEAF_BYTES - 1] = ((operandData.at(-1) as number) + 3) & 0xff;
const OPERANDS = [DISPUTED - 1, DISPUTED - 3, DISPUTED - 8].map((index) => ({
  index,
  tree: new SparseTree(LEAVES, leavesFrom(operandData), `operand ${index}`),
}));
const tensor = new SparseTree(LEAVES, leavesFrom(told), "disputed", [2, 6, 12, 18, 24]);
const outputs = OUTPUTS.map((_, i) => Uint8Array.of(i));
const trace = new SparseTree(
  INSTRUCTIONS,
  new Map([
    ...OUTPUTS.map((index, i) => [index, leafHash(outputs[i] as Uint8Array)] as const),
    ...OPERANDS.map(({ index, tree }) => [index, tree.root] as const),
    [DISPUTED, tensor.root] as const,
  ]),
  "trace",
  [0, 2, 8, 14, 20],
);
const instruction = encodeInstruction(
  mapInstruction({
    outDtype: "u8",
    outDims: DIMS,
    operands: OPERANDS.map(({ index }) => ({
      ...({ space: "trace", dtype: "u8", index, elements: TENSOR_BYTES } as const),
      ...{ map: { offset: 0, out: [65_536, 1], reduce: [] }, bounds: [] },
    })),
    // All operands say the same: the largest of them is any.
    expression: [
      ...[operation("load", 0), operation("load", 1), operation("load", 2)],
      ...[operation("imax", 0, 1), operation("imax", 2, 3)],
    ],
  }),
);
const program = new SparseTree(INSTRUCTIONS, new Map([[DISPUTED, leafHash(instruction)]]), "program");
const header: Header = {
  profileVersion: 2,
  programRoot: toHex(program.root),
  weightsRoot: ZERO_HASH,
  graphHash: keccak256("0x01"),
  schemaHash: keccak256("0x02"),
  instructionCount: INSTRUCTIONS,
  weightCount: 0,
  inputBytes: [1],
  outputs: OUTPUTS.map((index) => ({ instruction: index, bytes_: 1 })),
};
const modelId = modelIdOf(header);
const input = Uint8Array.of(1);
const question = questionOf(parseModelId(modelId), parseHash32(toHex(inputsRoot([input]))));

/** Gas bounds that `maxCapital` reckons with. */
const BOUNDS = Object.fromEntries(
  [
    ...readFileSync(join(import.meta.dirname, "../../src/dispute/GameCost.sol"), "utf8").matchAll(
      /constant (\w+) = ([\d_]+);/g,
    ),
  ].map(([, name, value]) => [name as string, Number(value?.replaceAll("_", ""))]),
) as Record<
  "OPEN" | "COMMIT" | "COMMIT_OUTPUT" | "REVEAL" | "REVEAL_BYTES" | "SELECT" | "SELECT_TENSOR" | "STEP",
  number
>;

interface Capital {
  readonly moves: bigint;
  readonly gas: bigint;
}

describe("the deepest walk there can be: 2^20 instructions, 64 outputs, tensors of 2^32 bytes", () => {
  const scenario = useSurety(smallModel, smallInput);

  it("is played to its end within the bounds of its gas, every slot and account fresh", async () => {
    const { surety } = scenario;
    const { registry, operators, oracle, game, send, read } = surety;
    const { alice, challenger, requester } = scenario.actors;
    await send({ from: requester, to: registry, call: "register", args: [header, ""] });
    await send({ from: alice, to: operators, call: "joinModel", args: [modelId] });
    const deadline = (await surety.now()) + 10_000;
    const terms = { callbackGas: 0, delivery: 1, deadline, feeToken: ZERO_ADDRESS, valueAtRiskWei: 0n };
    const asked = await send({
      ...{ from: requester, to: oracle, call: "requestInference", valueWei: scenario.feeOf(0) },
      args: [{ modelId, input: toHex(input), ...terms }],
    });
    const requestId = eventOf(asked, "Requested").requestId as bigint;
    expect(await assigneeOf(surety, requestId)).toBe(alice);
    const output = toHex(Uint8Array.from(OUTPUTS, (_, i) => i));
    await send({ from: alice, to: oracle, call: "post", args: [requestId, question, output] });
    const assertionId = requestId * 256n;

    const gas: Record<"challenger" | "poster", Record<string, number[]>> = { challenger: {}, poster: {} };
    const move = async (
      side: "challenger" | "poster",
      call: string,
      args: readonly unknown[],
      valueWei = 0n,
    ) => {
      const from = side === "poster" ? alice : challenger;
      const receipt = await send({ from, to: game, call, args, valueWei });
      gas[side][call] = [...(gas[side][call] ?? []), Number(receipt.gasUsed)];
      return receipt;
    };
    const roots = outputs.map((data) => leafHash(data));
    const opened = await move(
      ...(["challenger", "open", [assertionId, question, toHex(listHash(roots))]] as const),
      surety.parameters.challengeBondWei,
    );
    const gameId = eventOf(opened, "GameOpened").gameId as bigint;
    const nodes = (
      tree: SparseTree,
      phase: "trace" | "tensor",
      place: { height: number; position: number },
    ) => childPlaces(phase, place).map(({ height, position }) => toHex(tree.node(height, position)));
    await move("poster", "commitTrace", [
      ...[assertionId, question, toHex(trace.root), header, roots.map(toHex)],
      multiproof(trace, OUTPUTS).map(toHex),
      nodes(trace, "trace", traceTop(INSTRUCTIONS)),
    ]);
    for (;;) {
      const view = await viewOf(surety, gameId);
      const due = nextMove(view);
      if (due === undefined || due.by === "anyone") break;
      const phase = view.phase === "tensor" ? "tensor" : "trace";
      const tree = phase === "tensor" ? tensor : trace;
      const target = phase === "tensor" ? LEAVES - 1 : DISPUTED;
      if (due.kind === "revealBytes") await move("poster", "revealBytes", [gameId, view.node, toHex(told)]);
      else if (due.kind === "reveal")
        await move("poster", "reveal", [gameId, view.node, nodes(tree, phase, view)]);
      else if (due.kind === "step") {
        const proof = tensor.pathUp(0, LEAVES - 1, view.height).map(toHex);
        const step = {
          ...{ leaf: LEAVES - 1, leafBytes: toHex(told.subarray(3 * LEAF_BYTES)), leafProof: proof },
          ...{ element: ELEMENT, instruction: toHex(instruction), inputRoots: [] },
          operands: OPERANDS.map((operand) => ({
            tensorRoot: toHex(operand.tree.root),
            tensorProof: multiproof(trace, [operand.index]).map(toHex),
            leaves: [LEAVES - 1],
            data: toHex(operandData.subarray(3 * LEAF_BYTES)),
            proof: multiproof(operand.tree, [LEAVES - 1]).map(toHex),
          })),
        };
        await move("challenger", "step", [gameId, view.node, header, step]);
      } else {
        const levels = revealLevels(phase, view.height);
        const height = view.height - levels;
        const position = Math.floor(target / 2 ** height);
        const pick = [
          ...[gameId, view.node, position % 2 ** levels, toHex(tree.node(height, position))],
          tree.pathUp(height, position, levels).map(toHex),
        ];
        if (due.kind === "select") await move("challenger", "select", pick);
        else
          await move("challenger", "selectTensor", [
            ...[...pick, header, toHex(instruction), program.pathUp(0, DISPUTED, 20).map(toHex)],
          ]);
      }
    }
    expect(await viewOf(surety, gameId)).toMatchObject({ phase: "challenger-won" });

    const [challengers, posters] = await read<readonly [Capital, Capital, bigint]>(game, "maxCapital", [
      ...[assertionId, header, 0],
    ]);
    for (const [side, capital] of [
      ["challenger", challengers],
      ["poster", posters],
    ] as const) {
      const all = Object.values(gas[side]).flat();
      expect(BigInt(all.length), `moves of the ${side}`).toBe(capital.moves);
      expect(BigInt(all.reduce((a, b) => a + b, 0)), `gas of the ${side}`).toBeLessThanOrEqual(capital.gas);
    }
    const { challenger: picks, poster: reveals } = gas;
    for (const [measured, bound] of [
      [picks.open, BOUNDS.OPEN],
      [picks.select, BOUNDS.SELECT],
      [picks.selectTensor, BOUNDS.SELECT_TENSOR],
      [picks.step, BOUNDS.STEP],
      [reveals.commitTrace, BOUNDS.COMMIT + 64 * BOUNDS.COMMIT_OUTPUT],
      [reveals.reveal, BOUNDS.REVEAL],
      [reveals.revealBytes, BOUNDS.REVEAL_BYTES],
    ] as const)
      expect(Math.max(...(measured ?? [Number.NaN]))).toBeLessThanOrEqual(bound);
    expectSnapshot("deepest-walk-gas.json", gas);
  });
});
