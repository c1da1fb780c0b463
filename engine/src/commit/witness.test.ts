import { describe, expect, test } from "vitest";
import { decodeInstruction, encodeInstruction } from "../program/index.ts";
import { DTYPES, type Instruction, type Operand } from "../program/instruction.ts";
import { tensorReader } from "../referee/element-reader.ts";
import { evaluateElement } from "../referee/evaluate-element.ts";
import { evaluateTensor } from "../referee/evaluate-tensor.ts";
import { randomInputs, randomInstruction, seededRandom } from "../referee/testing/random-instruction.ts";
import { CommittedTensors, CommittedTrace } from "./committed-tensors.ts";
import { LEAF_BYTES, leafHash, listHash } from "./hashes.ts";
import { fromHex, toHex } from "./hex.ts";
import { treeHeight } from "./merkle-tree.ts";
import { verifyMultiproof } from "./multiproof.ts";
import { OverlaidTree } from "./overlaid-tree.ts";
import { tensorHeight } from "./tensor-tree.ts";
import { buildStepWitness, type OperandWitness, type StepWitness } from "./witness.ts";

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

/** What a referee that has nothing but the witness computes; throws where a proof does not hold. */
function judge(witness: StepWitness): bigint {
  const instruction = decodeInstruction(fromHex(witness.instruction), witness.index);
  const readers = instruction.operands.map((operand, k) => {
    const given = witness.operands[k] as OperandWitness;
    const bytes = operand.elements * DTYPES[operand.dtype].bytes;
    const known = new Uint8Array(bytes);
    const data = fromHex(given.data);
    const present = new Set(given.leaves);
    if (given.leaves.length > 0) {
      proveLeaves(operand, given, data, bytes);
      proveTensor(operand, given, witness);
    }
    let at = 0;
    for (const leaf of given.leaves) {
      const piece = data.subarray(at, at + Math.min(LEAF_BYTES, bytes - leaf * LEAF_BYTES));
      known.set(piece, leaf * LEAF_BYTES);
      at += piece.length;
    }
    expect(at).toBe(data.length);
    const read = tensorReader(known, operand.dtype);
    return (flat: number) => {
      const leaf = Math.floor((flat * DTYPES[operand.dtype].bytes) / LEAF_BYTES);
      if (!present.has(leaf)) throw new Error(`leaf ${leaf} of operand ${k} is missing`);
      return read(flat);
    };
  });
  return evaluateElement(instruction, witness.element, readers);
}

function proveLeaves(operand: Operand, given: OperandWitness, data: Uint8Array, bytes: number): void {
  let at = 0;
  const leaves = given.leaves.map((leaf) => {
    const length = Math.min(LEAF_BYTES, bytes - leaf * LEAF_BYTES);
    at += length;
    return leafHash(data.subarray(at - length, at));
  });
  const proven = verifyMultiproof({
    root: fromHex(given.tensorRoot),
    height: tensorHeight(operand.elements * DTYPES[operand.dtype].bytes),
    indices: given.leaves,
    leaves,
    proof: given.proof.map(fromHex),
  });
  expect(proven).toBe(true);
}

function proveTensor(operand: Operand, given: OperandWitness, witness: StepWitness): void {
  const { roots, inputRoots } = witness;
  if (operand.space === "input") {
    expect(given.tensorProof).toEqual([]);
    expect(inputRoots[operand.index]).toBe(given.tensorRoot);
    expect(toHex(listHash(inputRoots.map(fromHex)))).toBe(roots.inputRoot);
    return;
  }
  const [root, count] =
    operand.space === "trace"
      ? [roots.traceRoot, roots.instructionCount]
      : [roots.weightsRoot, roots.weightCount];
  const proven = verifyMultiproof({
    root: fromHex(root),
    height: treeHeight(count),
    indices: [operand.index],
    leaves: [fromHex(given.tensorRoot)],
    proof: given.tensorProof.map(fromHex),
  });
  expect(proven).toBe(true);
}

/** Spreads the operands of a random instruction over the spaces: input, weight, trace in turn. */
function spread(instruction: Instruction, tensors: readonly Uint8Array[], before: Uint8Array[]) {
  const lists = { input: [] as Uint8Array[], weight: [] as Uint8Array[], trace: [...before] };
  const operands = instruction.operands.map((operand, k): Operand => {
    const space = (["input", "weight", "trace"] as const)[k % 3] as Operand["space"];
    lists[space].push(tensors[k] as Uint8Array);
    return { ...operand, space, index: lists[space].length - 1 };
  });
  return { instruction: { ...instruction, operands }, ...lists };
}

describe("buildStepWitness", () => {
  test("carries everything a referee needs, proven, for random elements", () => {
    console.log(`seed ${SEED}`);
    const random = seededRandom(SEED);
    for (let round = 0; round < 200; round++) {
      const plain = randomInstruction(random);
      const before = Array.from({ length: random.int(0, 4) }, () => random.bytes(random.int(1, 700)));
      const { instruction, input, weight, trace } = spread(plain, randomInputs(random, plain), before);
      const index = trace.length;
      const output = evaluateTensor(instruction, { trace, weights: weight, inputs: input });
      const after = Array.from({ length: random.int(0, 3) }, () => random.bytes(300));
      const elements = output.length / DTYPES[instruction.outDtype].bytes;
      const witness = buildStepWitness({
        instruction: encodeInstruction(instruction),
        index,
        element: random.int(0, elements - 1),
        trace: new CommittedTrace([...trace, output, ...after]),
        weights: new CommittedTensors(weight),
        inputs: new CommittedTensors(input),
      });
      expect(judge(witness)).toBe(witness.posted);
    }
  });

  test("proves operands against a poster's tree known only from its reveals", () => {
    const random = seededRandom(SEED);
    const count = 11;
    const index = 6;
    const honest = Array.from({ length: count }, () => random.bytes(600));
    const lie = honest.map((bytes, i) => (i < index ? bytes : random.bytes(600)));
    const own = new CommittedTrace(honest);
    const poster = new CommittedTrace(lie);
    const known = new OverlaidTree(own.tree, poster.root);
    known.reveal(4, 0, poster.tree.descendants(4, 0, 1));
    known.reveal(3, 0, poster.tree.descendants(3, 0, 3));
    const instruction: Instruction = {
      accumulate: "none",
      outDtype: "u8",
      outDims: [600],
      reduceDims: [],
      aZero: 0,
      bZero: 0,
      operands: [0, 2, 5].map((tensor) => ({
        space: "trace",
        dtype: "u8",
        index: tensor,
        elements: 600,
        map: { offset: 0, out: [1], reduce: [] },
        bounds: [],
      })),
      expression: [0, 1, 2].map((a) => ({ code: "load", a, b: 0, imm: 0 })),
    };
    const witness = buildStepWitness({
      instruction: encodeInstruction(instruction),
      index,
      element: 599,
      trace: own,
      weights: new CommittedTensors([]),
      inputs: new CommittedTensors([]),
      traceTree: known,
      posted: BigInt(lie[index]?.[599] as number),
    });
    expect(witness.roots.traceRoot).toBe(toHex(poster.root));
    expect(witness.roots.weightsRoot).toBe(`0x${"00".repeat(32)}`);
    expect(judge(witness)).toBe(BigInt(honest[5]?.[599] as number));
    expect(() => known.reveal(3, 1, [random.bytes(32), random.bytes(32)])).toThrow("do not hash up");
  });

  test("an operand that is all padding has no leaves, no proofs and the root 0", () => {
    const instruction: Instruction = {
      accumulate: "none",
      outDtype: "u8",
      outDims: [2],
      reduceDims: [],
      aZero: 0,
      bZero: 0,
      operands: [
        {
          space: "input",
          dtype: "u8",
          index: 0,
          elements: 1,
          map: { offset: 0, out: [1], reduce: [] },
          bounds: [{ limit: 1, offset: 0, out: [1], reduce: [] }],
        },
      ],
      expression: [{ code: "load", a: 0, b: 0, imm: 0 }],
    };
    const witness = buildStepWitness({
      instruction: encodeInstruction(instruction),
      index: 0,
      element: 1,
      trace: new CommittedTrace([Uint8Array.of(7, 0)]),
      weights: new CommittedTensors([]),
      inputs: new CommittedTensors([Uint8Array.of(7)]),
    });
    expect(witness.operands).toEqual([
      { tensorRoot: `0x${"00".repeat(32)}`, tensorProof: [], leaves: [], data: "0x", proof: [] },
    ]);
    expect(judge(witness)).toBe(0n);
  });
});
