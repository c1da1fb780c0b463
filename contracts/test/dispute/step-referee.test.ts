import { bytesToHex, encodeFunctionData, type Hex, hexToBytes, size, slice } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildStepWitness, CommittedTensors, type StepWitness } from "../../../engine/src/commit/index.ts";
import { encodeInstruction } from "../../../engine/src/program/encode.ts";
import type { Instruction, Operand } from "../../../engine/src/program/instruction.ts";
import { tensorReader } from "../../../engine/src/referee/element-reader.ts";
import { evaluateElement } from "../../../engine/src/referee/evaluate-element.ts";
import { NO_WITNESS, ZERO_HASH } from "../support/commitment.ts";
import { convolutionLayer, denseLayer, type Layer } from "../support/layers.ts";
import { type Network, readArtifact, startNetwork } from "../support/network.ts";
import { fuzzCount, fuzzSeed, randomFrom } from "../support/random.ts";

const SAME = 0;
const DIFFERENT = 1;
const MALFORMED = 2;

let network: Network;
let referee: Awaited<ReturnType<Network["deploy"]>>;
let meter: Awaited<ReturnType<Network["deploy"]>>;
beforeAll(async () => {
  network = await startNetwork();
  referee = await network.deploy("dispute/StepReferee.sol");
  meter = await network.deploy("test-harness/GasMeter.sol");
});
afterAll(() => network.close());

const argumentsOf = (step: StepWitness) => [
  step.roots,
  step.index,
  step.instruction,
  step.element,
  step.posted,
  step.inputRoots,
  step.operands,
];

async function judge(step: StepWitness): Promise<readonly [verdict: number, expected: bigint]> {
  return (await network.publicClient.readContract({
    ...referee,
    functionName: "judge",
    args: argumentsOf(step),
  })) as [number, bigint];
}

/** Execution gas as the game sees it, and what the transaction's calldata costs (standard, and at the floor of EIP-7623). */
async function gasOf(step: StepWitness) {
  const data = encodeFunctionData({ abi: referee.abi, functionName: "judge", args: argumentsOf(step) });
  const [gas] = (await network.publicClient.readContract({
    ...meter,
    functionName: "measure",
    args: [referee.address, data],
  })) as [bigint, Hex];
  const zeros = hexToBytes(data).filter((byte) => byte === 0).length;
  const tokens = zeros + 4 * (size(data) - zeros);
  const execution = Number(gas);
  return {
    execution,
    calldataBytes: size(data),
    transaction: Math.max(21_000 + 4 * tokens + execution, 21_000 + 10 * tokens),
  };
}

const random = randomFrom(2026);

/** The layer as instruction 1 of a program of 155 with 60 weight tensors. */
function stepOf(layer: Layer, element: number, change = 0n): StepWitness {
  const trace = [layer.activations, ...Array.from({ length: 154 }, (_, i) => new Uint8Array([i]))];
  const weights = [...layer.weights, ...Array.from({ length: 57 }, (_, i) => new Uint8Array([i]))];
  const sources = [layer.activations, ...layer.weights];
  const right = evaluateElement(
    layer.instruction,
    element,
    layer.instruction.operands.map(({ dtype }, i) => tensorReader(sources[i] as Uint8Array, dtype)),
  );
  return buildStepWitness({
    instruction: encodeInstruction(layer.instruction),
    index: 1,
    element,
    trace: new CommittedTensors(trace),
    weights: new CommittedTensors(weights),
    inputs: new CommittedTensors([]),
    posted: right ^ change,
  });
}

const small = convolutionLayer(random, { size: 8, channels: 40, kernel: 3, outChannels: 5, merged: false });

describe("StepReferee", () => {
  it("says Same for the right element and Different, with the right one, for any other", async () => {
    for (const element of [0, 4, 137, 319]) {
      const right = stepOf(small, element);
      expect(await judge(right)).toEqual([SAME, right.posted]);
      const wrong = stepOf(small, element, 1n);
      expect(await judge(wrong)).toEqual([DIFFERENT, right.posted]);
      expect(await judge({ ...right, posted: right.posted + 256n })).toEqual([DIFFERENT, right.posted]);
    }
  });

  it("describes the tensor that an instruction computes", async () => {
    const describeStep = (index: number, instruction: Hex) =>
      network.publicClient.readContract({ ...referee, functionName: "describe", args: [index, instruction] });
    const encoded = bytesToHex(encodeInstruction(small.instruction));
    expect(await describeStep(1, encoded)).toEqual([true, 8 * 8 * 5, 1]);
    // Its trace operand is tensor 0, which does not come before instruction 0.
    expect(await describeStep(0, encoded)).toEqual([false, 0, 0]);
    expect(await describeStep(1, slice(encoded, 0, -1))).toEqual([false, 0, 0]);
    const wide = {
      ...small.instruction,
      outDtype: "i32",
      expression: small.instruction.expression.slice(0, 1),
    } as Instruction;
    expect(await describeStep(1, bytesToHex(encodeInstruction(wide)))).toEqual([true, 4 * 8 * 8 * 5, 4]);
  });

  it("names what is missing or not proven and gives no verdict on it", async () => {
    const step = stepOf(small, 137);
    const withOperand = (i: number, change: Partial<StepWitness["operands"][number]>) => ({
      ...step,
      operands: step.operands.map((operand, k) => (k === i ? { ...operand, ...change } : operand)),
    });
    for (const i of [0, 1, 2, 3]) {
      const { tensorProof, proof, data } = step.operands[i] as StepWitness["operands"][number];
      await expect(judge(withOperand(i, NO_WITNESS as never))).rejects.toThrow("OperandLeafMissing");
      await expect(judge(withOperand(i, { tensorRoot: ZERO_HASH }))).rejects.toThrow("OperandNotProven");
      await expect(judge(withOperand(i, { tensorProof: tensorProof.slice(1) }))).rejects.toThrow(
        "OperandNotProven",
      );
      await expect(judge(withOperand(i, { proof: [...proof, ZERO_HASH] }))).rejects.toThrow(
        "OperandNotProven",
      );
      await expect(judge(withOperand(i, { data: slice(data, 1) }))).rejects.toThrow("OperandNotProven");
      const flipped = hexToBytes(data);
      flipped[0] = (flipped[0] as number) ^ 1;
      await expect(judge(withOperand(i, { data: bytesToHex(flipped) }))).rejects.toThrow("OperandNotProven");
    }
    await expect(judge({ ...step, operands: step.operands.slice(1) })).rejects.toThrow("WrongOperandCount");
    await expect(judge({ ...step, element: 320 })).rejects.toThrow("ElementOutOfRange");
    await expect(judge({ ...step, roots: { ...step.roots, traceRoot: ZERO_HASH } })).rejects.toThrow(
      "OperandNotProven",
    );
  });

  it("never takes one leaf for another: each leaf left out is missed, however the elements stride over leaves", async () => {
    const bytes = Uint8Array.from({ length: 5_000 }, (_, i) => ((i * 89) ^ (i >> 5)) & 0xff);
    const tensor = new CommittedTensors([bytes]);
    const tree = tensor.tensorTree(0);
    for (const stride of [-600, -300, -257, -256, -255, -90, -1, 1, 90, 255, 256, 257, 300, 600]) {
      const reach =
        Math.min(8, Math.floor(4_400 / Math.abs(stride)) + 1) * (Math.abs(stride) === 1 ? 150 : 1);
      const instruction: Instruction = {
        accumulate: "sum",
        outDtype: "i32",
        outDims: [1],
        reduceDims: [reach],
        aZero: 0,
        bZero: 0,
        operands: [
          {
            space: "input",
            dtype: "u8",
            index: 0,
            elements: 5_000,
            map: { offset: stride < 0 ? 4_700 : 200, out: [0], reduce: [stride] },
            bounds: [],
          },
        ],
        expression: [{ code: "acc", a: 0, b: 0, imm: 0 }],
      };
      const right = evaluateElement(instruction, 0, [tensorReader(bytes, "u8")]);
      const step = buildStepWitness({
        instruction: encodeInstruction(instruction),
        index: 0,
        element: 0,
        trace: new CommittedTensors([new Uint8Array(4)]),
        weights: new CommittedTensors([]),
        inputs: tensor,
        posted: right,
      });
      expect([stride, ...(await judge(step))]).toEqual([stride, SAME, right]);
      const [witness] = step.operands;
      if (witness === undefined) throw new Error("no witness");
      for (const left of witness.leaves) {
        const leaves = witness.leaves.filter((leaf) => leaf !== left);
        if (leaves.length === 0) continue;
        const data = bytesToHex(
          Buffer.concat(leaves.map((leaf) => bytes.subarray(leaf * 256, (leaf + 1) * 256))),
        );
        const proof = tree.multiproof(leaves).map((hash) => bytesToHex(hash));
        const lacking = { ...step, operands: [{ ...witness, leaves, data, proof }] };
        await expect(judge(lacking)).rejects.toThrow(`OperandLeafMissing(uint256 operand, uint256 leaf)`);
        await expect(judge(lacking)).rejects.toThrow(`(0, ${left})`);
      }
    }
  });

  it("ignores the witness of an operand that is all padding", async () => {
    const operand = small.instruction.operands[0] as Operand;
    const outside = { ...operand, bounds: [{ ...operand.map, limit: 0 }] };
    const instruction = {
      ...small.instruction,
      operands: [outside, ...small.instruction.operands.slice(1)],
    };
    const step = stepOf({ ...small, instruction }, 3);
    expect(step.operands[0]?.leaves).toEqual([]);
    expect(await judge(step)).toEqual([SAME, step.posted]);
    const garbage = { tensorRoot: ZERO_HASH, tensorProof: [], leaves: [9], data: "0x12" as Hex, proof: [] };
    const operands = [garbage, ...step.operands.slice(1)];
    expect(await judge({ ...step, operands })).toEqual([SAME, step.posted]);
  });

  it("finds a malformed instruction whatever the witness carries", async () => {
    const step = stepOf(small, 137);
    const nothing = step.operands.map(() => NO_WITNESS) as StepWitness["operands"];
    const garbage = step.operands.map((operand) => ({ ...operand, data: "0x" as Hex }));
    const [a, b, ...rest] = small.instruction.operands as [Operand, Operand, ...Operand[]];
    const zeroPoint = small.instruction.expression.map((operation, i) =>
      i === 6 ? { ...operation, imm: 256 } : operation,
    );
    const changes: [string, Partial<Instruction>][] = [
      ["an index below the tensor", { operands: [{ ...a, bounds: [] }, b, ...rest] }],
      ["an index beyond the tensor", { operands: [a, { ...b, elements: b.elements - 1 }, ...rest] }],
      [
        "an index far beyond anything",
        { operands: [a, { ...b, map: { ...b.map, out: [0, 0, 2 ** 31 - 1] } }, ...rest] },
      ],
      ["a weight that does not exist", { operands: [a, { ...b, index: 60 }, ...rest] }],
      [
        "an empty maximum",
        { accumulate: "max", aZero: 0, operands: [{ ...a, bounds: [{ ...a.map, limit: 0 }] }, b, ...rest] },
      ],
      [
        "a load outside its tensor",
        { operands: [a, b, { ...(rest[0] as Operand), elements: 1 }, rest[1] as Operand] },
      ],
    ];
    for (const [what, change] of changes) {
      const instruction = bytesToHex(encodeInstruction({ ...small.instruction, ...change }));
      for (const operands of [nothing, garbage]) {
        // Element 0 touches the padding, element 4 the last weights.
        const verdicts = await Promise.all(
          [0, 4].map((element) =>
            judge({ ...step, instruction, element, operands }).catch((error) => [
              `${error.message}`.slice(0, 200),
            ]),
          ),
        );
        expect(verdicts, what).toContainEqual([MALFORMED, 0n]);
      }
    }
    // This one depends on data when another program computes it: it needs the proof.
    const instruction = bytesToHex(encodeInstruction({ ...small.instruction, expression: zeroPoint }));
    expect(await judge({ ...step, instruction })).toEqual([MALFORMED, 0n]);
    await expect(judge({ ...step, instruction, operands: nothing })).rejects.toThrow("OperandLeafMissing");
    expect(await judge({ ...step, instruction: "0x", operands: [] })).toEqual([MALFORMED, 0n]);
  });

  it("checks the list of inputs before it counts them", async () => {
    const instruction: Instruction = {
      accumulate: "none",
      outDtype: "u8",
      outDims: [300],
      reduceDims: [],
      aZero: 0,
      bZero: 0,
      operands: [
        {
          space: "input",
          dtype: "u8",
          index: 1,
          elements: 300,
          map: { offset: 299, out: [-1], reduce: [] },
          bounds: [],
        },
      ],
      expression: [{ code: "load", a: 0, b: 0, imm: 0 }],
    };
    const image = random.bytes(300);
    const step = buildStepWitness({
      instruction: encodeInstruction(instruction),
      index: 0,
      element: 10,
      trace: new CommittedTensors([new Uint8Array(300)]),
      weights: new CommittedTensors([]),
      inputs: new CommittedTensors([random.bytes(3), image]),
      posted: BigInt(image[289] as number),
    });
    expect(await judge(step)).toEqual([SAME, step.posted]);
    await expect(judge({ ...step, inputRoots: [] })).rejects.toThrow("OperandNotProven");
    await expect(judge({ ...step, inputRoots: step.inputRoots.toReversed() })).rejects.toThrow(
      "OperandNotProven",
    );
    const [operand] = instruction.operands as [Operand];
    const missing = encodeInstruction({ ...instruction, operands: [{ ...operand, index: 2 }] });
    expect(await judge({ ...step, instruction: bytesToHex(missing) })).toEqual([MALFORMED, 0n]);
  });

  it("never lets a changed witness turn a right element into a wrong one", async () => {
    const fuzz = randomFrom(fuzzSeed());
    const seen = { same: 0, refused: 0 };
    for (let run = 0; run < fuzzCount(150); run++) {
      const step = stepOf(small, fuzz.int(0, 319));
      const data = hexToBytes(
        encodeFunctionData({ abi: referee.abi, functionName: "judge", args: argumentsOf(step) }),
      );
      // Anywhere behind the roots, the instruction and the posted element, which the game fills in: the witness.
      const start = 4 + 32 * 11 + 32 * (1 + Math.ceil(size(step.instruction) / 32));
      for (let i = fuzz.int(1, 3); i > 0; i--) {
        const place = fuzz.int(start, data.length - 1);
        data[place] = fuzz.chance(0.5) ? fuzz.int(0, 255) : (data[place] as number) ^ (1 << fuzz.int(0, 7));
      }
      const result = await network.publicClient
        .call({ to: referee.address, data: bytesToHex(data) })
        .catch(() => null);
      if (result === null) seen.refused++;
      else {
        seen.same++;
        expect(
          BigInt(slice(result.data as Hex, 0, 32)),
          `seed ${fuzz.seed}, run ${run}: ${bytesToHex(data)}`,
        ).toBe(0n);
      }
    }
    expect(seen.refused).toBeGreaterThan(0);
  });

  it("stays below the size and gas that are committed", async () => {
    const layers = {
      "conv 5x5x8, 14x14": convolutionLayer(random, {
        size: 14,
        channels: 8,
        kernel: 5,
        outChannels: 16,
        merged: false,
      }),
      "conv 5x5x8, 14x14, merged": convolutionLayer(random, {
        size: 14,
        channels: 8,
        kernel: 5,
        outChannels: 16,
        merged: true,
      }),
      "conv 3x3x64, 56x56": convolutionLayer(random, {
        size: 56,
        channels: 64,
        kernel: 3,
        outChannels: 64,
        merged: false,
      }),
      "conv 3x3x64, 56x56, merged": convolutionLayer(random, {
        size: 56,
        channels: 64,
        kernel: 3,
        outChannels: 64,
        merged: true,
      }),
      "conv 3x3x512, 7x7, merged": convolutionLayer(random, {
        size: 7,
        channels: 512,
        kernel: 3,
        outChannels: 16,
        merged: true,
      }),
      "dense 1280": denseLayer(random, 1280, 100),
      "dense 4608": denseLayer(random, 4608, 20),
      "dense 9216": denseLayer(random, 9216, 10),
    };
    const gas: Record<string, Awaited<ReturnType<typeof gasOf>>> = {};
    for (const [name, layer] of Object.entries(layers)) {
      const { outDims } = layer.instruction;
      const middle = outDims.reduce((flat, dim) => flat * dim + Math.floor(dim / 2), 0);
      gas[name] = await gasOf(stepOf(layer, middle));
    }
    const bytes = size(readArtifact("dispute/StepReferee.sol").deployedBytecode);
    expect(bytes).toBeLessThan(24_576);
    // What a multiply-accumulate costs on a long run: proof, copying and both corrections included, calldata not.
    const [longer, shorter] = [gas["dense 9216"], gas["dense 4608"]];
    const perProduct = ((longer?.execution ?? 0) - (shorter?.execution ?? 0)) / 4608;
    await expect(
      `${JSON.stringify({ bytecodeBytes: bytes, gasPerProduct: perProduct.toFixed(1), judge: gas }, null, 2)}\n`,
    ).toMatchFileSnapshot("../../snapshots/step-referee.json");
  });
});
