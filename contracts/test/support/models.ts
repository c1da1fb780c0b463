import {
  type CommittedTensors,
  CommittedTrace,
  encodeInstruction,
  evaluateTensor,
  type Instruction,
  inputsRoot,
  listHash,
  type MerkleTree,
  type Operand,
  outputBytes,
  programTree,
  toHex,
  weightsTree,
} from "@surety/engine";
import { modelRegistryAbi, parseHash32, parseModelId, questionOf } from "@surety/protocol";
import { encodeAbiParameters, getAbiItem, type Hex, keccak256 } from "viem";

/** A model as the chain knows it, and what it takes to run it. */
export interface Model {
  readonly modelId: Hex;
  readonly header: Header;
  readonly instructions: readonly Instruction[];
  readonly program: readonly Uint8Array[];
  readonly programTree: MerkleTree;
  readonly weights: readonly Uint8Array[];
  readonly weightsTree: CommittedTensors;
}

export interface Header {
  readonly profileVersion: number;
  readonly programRoot: Hex;
  readonly weightsRoot: Hex;
  readonly graphHash: Hex;
  readonly schemaHash: Hex;
  readonly instructionCount: number;
  readonly weightCount: number;
  readonly inputBytes: readonly number[];
  readonly outputs: readonly { readonly instruction: number; readonly bytes_: number }[];
}

export function modelIdOf(header: Header): Hex {
  const { inputs } = getAbiItem({ abi: modelRegistryAbi, name: "register" });
  return keccak256(encodeAbiParameters([inputs[0]], [header]));
}

export interface MakeModelParameters {
  readonly instructions: readonly Instruction[];
  readonly weights?: readonly Uint8Array[];
  readonly inputBytes: readonly number[];
  /** Instruction numbers. Default: the last. */
  readonly outputs?: readonly number[];
  /** Replaces encoded instructions, to make a program that is malformed. */
  readonly encoded?: Readonly<Record<number, Uint8Array>>;
}

export function makeModel(parameters: MakeModelParameters): Model {
  const {
    instructions,
    weights = [],
    inputBytes,
    outputs = [instructions.length - 1],
    encoded = {},
  } = parameters;
  const program = instructions.map((instruction, i) => encoded[i] ?? encodeInstruction(instruction));
  const tree = programTree(program);
  const committedWeights = weightsTree(weights);
  const header: Header = {
    profileVersion: 2,
    programRoot: toHex(tree.root),
    weightsRoot: toHex(committedWeights.root),
    graphHash: keccak256("0x01"),
    schemaHash: keccak256("0x02"),
    instructionCount: instructions.length,
    weightCount: weights.length,
    inputBytes,
    outputs: outputs.map((instruction) => ({
      instruction,
      bytes_: outputBytes(instructions[instruction] as Instruction),
    })),
  };
  return {
    modelId: modelIdOf(header),
    header,
    instructions,
    program,
    programTree: tree,
    weights,
    weightsTree: committedWeights,
  };
}

/** Changes one element of a tensor; what comes after is computed from the changed one, so that only a walk finds the lie. */
export interface Tamper {
  readonly instruction: number;
  readonly byte: number;
  /** False: the tensors after it are the honest ones. Default: true. */
  readonly consistent?: boolean;
}

/** All tensors of a run of a model, or of a liar's. */
export function runModel(
  model: Model,
  inputs: readonly Uint8Array[],
  ...lies: readonly Tamper[]
): CommittedTrace {
  const honest: Uint8Array[] = [];
  const told: Uint8Array[] = [];
  const weights = model.weights;
  model.instructions.forEach((instruction, i) => {
    honest.push(evaluateTensor(instruction, { trace: honest, weights, inputs }));
    const consistent = lies.every((lie) => lie.instruction >= i || (lie.consistent ?? true));
    const tensor = consistent
      ? evaluateTensor(instruction, { trace: told, weights, inputs })
      : (honest[i] as Uint8Array).slice();
    for (const lie of lies) {
      if (lie.instruction === i) tensor[lie.byte] = (tensor[lie.byte] as number) ^ 0x55;
    }
    told.push(tensor);
  });
  return new CommittedTrace(told);
}

/** What is posted: the output tensors one after the other. */
export function outputOf(model: Model, trace: CommittedTrace): Hex {
  return toHex(Buffer.concat(model.header.outputs.map(({ instruction }) => trace.tensorBytes(instruction))));
}

export function outputRootsOf(model: Model, trace: CommittedTrace): Hex[] {
  return model.header.outputs.map(({ instruction }) => toHex(trace.tensorRoot(instruction)));
}

export function outputRootOf(model: Model, trace: CommittedTrace): Hex {
  return toHex(listHash(model.header.outputs.map(({ instruction }) => trace.tensorRoot(instruction))));
}

/** What a request of these inputs asks. */
export function questionFor(model: Model, inputs: readonly Uint8Array[]): Hex {
  return questionOf(parseModelId(model.modelId), parseHash32(toHex(inputsRoot(inputs))));
}

const load = (a: number) => ({ code: "load", a, b: 0, imm: 0 }) as const;
const int = (imm: number) => ({ code: "int", a: 0, b: 0, imm }) as const;
const float = (value: number) => {
  const bits = new Int32Array(new Float32Array([value]).buffer)[0] as number;
  return { code: "float", a: 0, b: 0, imm: bits } as const;
};

function operand(
  source: Pick<Operand, "space" | "dtype" | "index" | "elements">,
  out: readonly number[],
  reduce: readonly number[] = [],
): Operand {
  return { ...source, map: { offset: 0, out, reduce }, bounds: [] };
}

function bytesOf(count: number, from: (i: number) => number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => from(i) & 0xff);
}

/**
 * As large as an MNIST classifier: 784 f32 in, quantised, an 8-channel convolution (25,088 bytes of sums), requantised, pooled, a dense layer, ten
 * f32 out. Six instructions.
 */
export function digitModel(): Model {
  const plain = { aZero: 0, bZero: 0 };
  const instructions: Instruction[] = [
    {
      ...plain,
      accumulate: "none",
      outDtype: "u8",
      outDims: [784],
      reduceDims: [],
      operands: [operand({ space: "input", dtype: "f32", index: 0, elements: 784 }, [1])],
      expression: [
        load(0),
        float(1 / 255),
        { code: "fdiv", a: 0, b: 1, imm: 0 },
        int(0),
        { code: "quantise_u8", a: 2, b: 3, imm: 0 },
      ],
    },
    {
      ...plain,
      accumulate: "dot",
      outDtype: "i32",
      outDims: [8, 784],
      reduceDims: [25],
      operands: [
        {
          ...operand({ space: "trace", dtype: "u8", index: 0, elements: 784 }, [0, 1], [1]),
          bounds: [{ offset: 0, out: [0, 1], reduce: [1], limit: 784 }],
        },
        operand({ space: "weight", dtype: "i8", index: 0, elements: 200 }, [25, 0], [1]),
      ],
      expression: [{ code: "acc", a: 0, b: 0, imm: 0 }],
    },
    {
      ...plain,
      accumulate: "none",
      outDtype: "u8",
      outDims: [8, 784],
      reduceDims: [],
      operands: [operand({ space: "trace", dtype: "i32", index: 1, elements: 6272 }, [784, 1])],
      expression: [
        load(0),
        { code: "tofloat", a: 0, b: 0, imm: 0 },
        float(0.01),
        { code: "fmul", a: 1, b: 2, imm: 0 },
        int(7),
        { code: "quantise_u8", a: 3, b: 4, imm: 0 },
      ],
    },
    {
      ...plain,
      accumulate: "max",
      outDtype: "u8",
      outDims: [8, 196],
      reduceDims: [4],
      operands: [operand({ space: "trace", dtype: "u8", index: 2, elements: 6272 }, [784, 4], [1])],
      expression: [{ code: "acc", a: 0, b: 0, imm: 0 }],
    },
    {
      ...plain,
      accumulate: "dot",
      outDtype: "i32",
      outDims: [10],
      reduceDims: [1568],
      aZero: 7,
      operands: [
        operand({ space: "trace", dtype: "u8", index: 3, elements: 1568 }, [0], [1]),
        operand({ space: "weight", dtype: "i8", index: 1, elements: 15680 }, [1568], [1]),
      ],
      expression: [{ code: "acc", a: 0, b: 0, imm: 0 }],
    },
    {
      ...plain,
      accumulate: "none",
      outDtype: "f32",
      outDims: [10],
      reduceDims: [],
      operands: [operand({ space: "trace", dtype: "i32", index: 4, elements: 10 }, [1])],
      expression: [
        load(0),
        { code: "tofloat", a: 0, b: 0, imm: 0 },
        float(0.001),
        { code: "fmul", a: 1, b: 2, imm: 0 },
      ],
    },
  ];
  return makeModel({
    instructions,
    weights: [bytesOf(200, (i) => ((i * 37) % 127) - 63), bytesOf(15_680, (i) => ((i * 101) % 127) - 63)],
    inputBytes: [3_136],
  });
}

/** A digit-like image: mostly zeros, a stroke of values up to 255. */
export function digitImage(): Uint8Array {
  const pixels = new Float32Array(784);
  for (let i = 0; i < 784; i++) if (i % 28 > 10 && i % 28 < 16) pixels[i] = (i * 7) % 256;
  return new Uint8Array(pixels.buffer);
}

/** y[i] = x[i] + 1, of the input or of the tensor before. */
function increment(index: number, elements: number): Instruction {
  const source =
    index === 0 ? ({ space: "input", index: 0 } as const) : ({ space: "trace", index: index - 1 } as const);
  return {
    accumulate: "none",
    outDtype: "u8",
    outDims: [elements],
    reduceDims: [],
    aZero: 0,
    bZero: 0,
    operands: [operand({ ...source, dtype: "u8", elements }, [1])],
    expression: [load(0), int(1), { code: "iadd", a: 0, b: 1, imm: 0 }],
  };
}

/** A chain of instructions that each add 1 to every byte. No weights. */
export function countingModel(instructions: number, elements: number, outputs?: readonly number[]): Model {
  return makeModel({
    instructions: Array.from({ length: instructions }, (_, i) => increment(i, elements)),
    inputBytes: [elements],
    ...(outputs === undefined ? {} : { outputs }),
  });
}
