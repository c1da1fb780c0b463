import {
  CommittedTrace,
  evaluateElement,
  type Instruction,
  type Operand,
  outputBytes,
  requireTensor,
  type TensorList,
  tensorReader,
} from "@surety/engine";
import { convolutionLayer, denseLayer, type Layer } from "./layers.ts";
import { type MakeModelParameters, type Model, makeModel } from "./models.ts";
import { randomFrom } from "./random.ts";

/** MobileNetV2 at width 1 has 155 operators in onnx's model zoo; the widest expansion has 960 channels. */
const LAYERS = 155;
const CHANNELS = 960;
/** 33 x 33 x 960 = 1,045,440 activations a layer. */
const SIZE = 33;
const POOLED = 7;
const CLASSES = 1_000;
const STEM = { size: 66, channels: 3, kernel: 3 };

type Kind = "stem" | "depthwise" | "pointwise" | "subsample" | "pool" | "classifier";

/** What layer `index` is. */
export function kindOf(index: number): Kind {
  if (index === 0) return "stem";
  if (index === LAYERS - 1) return "classifier";
  if (index === LAYERS - 2) return "pool";
  if (index === LAYERS - 3) return "subsample";
  return index % 2 === 1 ? "depthwise" : "pointwise";
}

const operation = (code: Instruction["expression"][number]["code"], a = 0, b = 0, imm = 0) => ({
  code,
  a,
  b,
  imm,
});

/** A depthwise 3 x 3 convolution over `in` x `in` x CHANNELS with a stride, channels last. */
function depthwise(random: ReturnType<typeof randomFrom>, size: number, stride: number): Layer {
  const model = convolutionLayer(random, {
    size: 1,
    channels: 1,
    kernel: 3,
    outChannels: CHANNELS,
    merged: false,
  });
  const [, , bias, scales] = model.instruction.operands as [Operand, Operand, Operand, Operand];
  const out = Math.ceil(size / stride);
  const row = size * CHANNELS;
  const place = (axis: 0 | 1) => ({
    limit: size,
    offset: -1,
    out: [axis === 0 ? stride : 0, axis === 1 ? stride : 0, 0],
    reduce: [1 - axis, axis],
  });
  const operands: Operand[] = [
    {
      space: "trace",
      dtype: "u8",
      index: 0,
      elements: size * row,
      map: { offset: -row - CHANNELS, out: [stride * row, stride * CHANNELS, 1], reduce: [row, CHANNELS] },
      bounds: [place(0), place(1)],
    },
    {
      space: "weight",
      dtype: "i8",
      index: 0,
      elements: 9 * CHANNELS,
      map: { offset: 0, out: [0, 0, 9], reduce: [3, 1] },
      bounds: [],
    },
    { ...bias, map: { offset: 0, out: [0, 0, 1], reduce: [0, 0] } },
    { ...scales, map: { offset: 0, out: [0, 0, 1], reduce: [0, 0] } },
  ];
  return {
    ...model,
    instruction: { ...model.instruction, outDims: [out, out, CHANNELS], reduceDims: [3, 3], operands },
  };
}

/** The first layer: a 3 x 3 convolution of stride 2 over the picture. */
function stem(random: ReturnType<typeof randomFrom>): Layer {
  const { size, channels, kernel } = STEM;
  const layer = convolutionLayer(random, { size, channels, kernel, outChannels: CHANNELS, merged: false });
  const [activations, ...others] = layer.instruction.operands as [Operand, ...Operand[]];
  const { map, bounds } = activations;
  const doubled = (factors: readonly number[]) => factors.map((factor) => 2 * factor);
  const operands: Operand[] = [
    {
      ...activations,
      space: "input",
      map: { ...map, out: doubled(map.out) },
      bounds: bounds.map((bound) => ({ ...bound, out: doubled(bound.out) })),
    },
    ...others,
  ];
  return { ...layer, instruction: { ...layer.instruction, outDims: [SIZE, SIZE, CHANNELS], operands } };
}

/** The mean over POOLED x POOLED places of a channel. */
function pool(): Layer {
  const elements = POOLED * POOLED * CHANNELS;
  const scale = new Int32Array(new Float32Array([1 / (POOLED * POOLED)]).buffer)[0] as number;
  return {
    instruction: {
      accumulate: "sum",
      outDtype: "u8",
      outDims: [CHANNELS],
      reduceDims: [POOLED, POOLED],
      aZero: 117,
      bZero: 0,
      operands: [
        {
          space: "trace",
          dtype: "u8",
          index: 0,
          elements,
          map: { offset: 0, out: [1], reduce: [POOLED * CHANNELS, CHANNELS] },
          bounds: [],
        },
      ],
      expression: [
        operation("acc"),
        operation("tofloat"),
        operation("float", 0, 0, scale),
        operation("fmul", 1, 2),
        operation("int", 0, 0, 117),
        operation("quantise_u8", 3, 4),
      ],
    },
    activations: new Uint8Array(),
    weights: [],
  };
}

/** A layer of the program: its tensors by their numbers there. Layers of a kind share their weights, so that they need not be made 155 times. */
function placed(layer: Layer, index: number, firstWeight: number): Instruction {
  const operands = layer.instruction.operands.map((operand) => {
    if (operand.space === "trace") return { ...operand, index: index - 1 };
    if (operand.space === "weight") return { ...operand, index: firstWeight + operand.index };
    return operand;
  });
  return { ...layer.instruction, operands };
}

/** A program as large as MobileNetV2's: 155 layers, of which 152 have 1,045,440 activations. */
export function mobilenetModel(): { readonly model: Model; readonly input: Uint8Array } {
  const random = randomFrom(155);
  const layers: Record<Kind, Layer> = {
    stem: stem(random),
    depthwise: depthwise(random, SIZE, 1),
    pointwise: convolutionLayer(random, {
      ...{ size: SIZE, channels: CHANNELS, kernel: 1, outChannels: CHANNELS, merged: false },
    }),
    subsample: depthwise(random, SIZE, 5),
    pool: pool(),
    classifier: denseLayer(random, CHANNELS, CLASSES),
  };
  const weights: Uint8Array[] = [];
  const firstWeight = new Map<Kind, number>();
  for (const [kind, layer] of Object.entries(layers) as [Kind, Layer][]) {
    firstWeight.set(kind, weights.length);
    weights.push(...layer.weights);
  }
  const instructions = Array.from({ length: LAYERS }, (_, index) => {
    const kind = kindOf(index);
    return placed(layers[kind], index, firstWeight.get(kind) as number);
  });
  const parameters: MakeModelParameters = {
    instructions,
    weights,
    inputBytes: [STEM.size ** 2 * STEM.channels],
  };
  return { model: makeModel(parameters), input: random.bytes(STEM.size ** 2 * STEM.channels) };
}

/** Bytes from a seed, fast. */
function noise(length: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = (seed + 1) * 0x9e3779b1 || 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

/**
 * Runs of a large model in which one element is disputed: tensors are made up when they are asked for, from the number of their layer, all but the
 * one element that the lie is about, which the honest run has computed. Up to it the two runs are equal, after it no tensor is.
 */
export function disputedRuns(
  model: Model,
  input: Uint8Array,
  lie: { readonly instruction: number; readonly element: number },
): { readonly honest: CommittedTrace; readonly lying: CommittedTrace } {
  const size = (index: number) => outputBytes(model.instructions[index] as Instruction);
  const run = (lies: boolean): CommittedTrace => {
    const list: TensorList = {
      count: model.instructions.length,
      tensorBytes: (index) => {
        requireTensor(index, model.instructions.length);
        const later = index > lie.instruction && lies;
        const bytes = noise(size(index), later ? index + 1_000 : index);
        if (index === lie.instruction) {
          const instruction = model.instructions[index] as Instruction;
          const readers = instruction.operands.map((operand) => {
            const tensor = {
              trace: () => list.tensorBytes(operand.index),
              weight: () => model.weights[operand.index] as Uint8Array,
              input: () => input,
            }[operand.space]();
            return tensorReader(tensor, operand.dtype);
          });
          bytes[lie.element] = Number(evaluateElement(instruction, lie.element, readers)) ^ (lies ? 0x55 : 0);
        }
        return bytes;
      },
      close() {},
    };
    return new CommittedTrace(list);
  };
  return { honest: run(false), lying: run(true) };
}
