import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type CompileModelParameters, type HostTensor, type InputSample, readInputs } from "@surety/engine";
import type { Rung } from "../../engine/src/compile/linear/rung.ts";
import { paintWord, randomWord } from "../support/lettering.ts";
import { pictures, scaledPlanes } from "../support/photos.ts";
import { modelPath } from "../support/sharedModels.ts";
import { readWav } from "../support/wav.ts";

/** A real model, with real inputs for it. */
export interface ModelCase {
  readonly name: string;
  /** Its folder and its file among the shared models. */
  readonly folder: string;
  readonly file: string;
  /** Sizes of its symbolic dimensions. */
  readonly dims: Readonly<Record<string, number>>;
  /** A classifier agrees where its first output has the same largest element; all others by the cosine of each output. */
  readonly kind: "classifier" | "regression";
  /** What it is held to: the share of equal classes, or the least cosine of any output. */
  readonly least: number;
  /** Layers that are not on rung 0 of the ladder of precision, by their first outputs. */
  readonly rungs?: CompileModelParameters["rungs"];
  /** What the layers climb for on the calibration inputs, as `surety model compile --min-agreement`; it ends on `rungs`, where these are written down. */
  readonly minAgreement?: number;
  /** The first of these are for calibration in tests of agreement, the rest are not seen by the compiler. */
  inputs(count: number): InputSample[];
}

/** Numbers in [0, 1) from a seed (xorshift32). */
function randomNumbers(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const f32 = (dims: readonly number[], data: Float32Array): HostTensor => ({ type: "f32", dims, data });

/** Paints words on a picture's planes; the random numbers choose everything. */
type Painter = (planes: Float32Array, height: number, width: number, random: () => number) => void;

const color = (random: () => number, from: number) => [0, 1, 2].map(() => from + 90 * random());

/** Two signs somewhere, dark on light or light on dark. */
const signs: Painter = (planes, height, width, random) => {
  for (let line = 0; line < 2; line++) {
    const isDark = random() < 0.5;
    paintWord(planes, height, width, randomWord(4 + Math.floor(random() * 4), random), {
      row: Math.floor((line + 0.6 * random()) * (height / 2)),
      column: Math.floor(random() * (width / 3)),
      scale: 2 + Math.floor(random() * 2),
      ink: color(random, isDark ? 0 : 165),
      ground: color(random, isDark ? 165 : 0),
      upsideDown: false,
    });
  }
};

/** One line of text that fills the picture, every other one upside down. */
const line: Painter = (planes, height, width, random) => {
  const scale = Math.max(1, Math.floor(height / 10));
  const isDark = random() < 0.5;
  paintWord(planes, height, width, randomWord(Math.floor(width / (6 * scale)), random), {
    row: Math.floor((height - 9 * scale) * random()),
    column: 0,
    scale,
    ink: color(random, isDark ? 0 : 165),
    ground: color(random, isDark ? 165 : 0),
    upsideDown: random() < 0.5,
  });
};

/** Pictures as planes [1, 3, height, width], each channel shifted and scaled: (v - mean) / deviation. */
function planes(
  input: string,
  [height, width]: readonly [number, number],
  mean: readonly number[],
  deviation: readonly number[],
  paint?: Painter,
): ModelCase["inputs"] {
  return (count) => {
    const random = randomNumbers(17);
    return pictures(count, randomNumbers(11)).map((picture) => {
      const data = scaledPlanes(picture, height, width);
      paint?.(data, height, width, random);
      const area = height * width;
      for (let k = 0; k < data.length; k++) {
        const channel = Math.floor(k / area);
        data[k] = ((data[k] as number) - (mean[channel] as number)) / (deviation[channel] as number);
      }
      return { [input]: f32([1, 3, height, width], data) };
    });
  };
}

/** The luminance of pictures in 0..1. */
function luminance(count: number): InputSample[] {
  const area = 224 * 224;
  return pictures(count, randomNumbers(11)).map((picture) => {
    const rgb = scaledPlanes(picture, 224, 224);
    const y = Float32Array.from(
      { length: area },
      (_, k) =>
        (0.299 * (rgb[k] as number) +
          0.587 * (rgb[area + k] as number) +
          0.114 * (rgb[2 * area + k] as number)) /
        255,
    );
    return { input: f32([1, 1, 224, 224], y) };
  });
}

/** Files of this repository and of the shared models, as Magika reads them: 1,024 bytes from each end without white space, padded with 256. */
function files(count: number): InputSample[] {
  const found: string[] = [];
  const visit = (folder: string) => {
    for (const name of readdirSync(folder).sort()) {
      if (name.startsWith(".") || ["node_modules", "artifacts", "cache"].includes(name)) continue;
      const path = join(folder, name);
      const stat = statSync(path);
      if (stat.isDirectory()) visit(path);
      else if (stat.size >= 64) found.push(path);
    }
  };
  visit(join(import.meta.dirname, "../.."));
  visit(modelPath());
  const random = randomNumbers(5);
  const chosen = Array.from({ length: count }, () => found[Math.floor(random() * found.length)] as string);
  return chosen.map((path) => ({
    bytes: { type: "i32", dims: [1, 2048], data: magikaTokens(readFileSync(path)) },
  }));
}

function magikaTokens(file: Uint8Array): Int32Array {
  const isSpace = (byte: number | undefined) =>
    byte !== undefined && (byte === 32 || (byte >= 9 && byte <= 13));
  const head = file.subarray(0, 4096);
  const tail = file.subarray(Math.max(0, file.length - 4096));
  let start = 0;
  while (isSpace(head[start])) start++;
  let end = tail.length;
  while (isSpace(tail[end - 1])) end--;
  const tokens = new Int32Array(2048).fill(256);
  tokens.set(head.subarray(start, start + 1024));
  const last = tail.subarray(Math.max(0, end - 1024), end);
  tokens.set(last, 2048 - last.length);
  return tokens;
}

/** Two seconds of speech at 16 kHz, from different places and at different volumes. */
function speech(count: number): InputSample[] {
  const samples = ["1272-141231-0002.wav", "yes_1000ms.wav", "no_1000ms.wav"].flatMap((name) => [
    ...readWav(readFileSync(modelPath("audio", name))),
  ]);
  const random = randomNumbers(3);
  const length = 32_000;
  return Array.from({ length: count }, (_, index) => {
    const start = Math.floor((index === 0 ? 0 : random()) * (samples.length - length));
    const volume = index === 0 ? 1 : 0.3 + random();
    const data = Float32Array.from({ length }, (_, k) => (samples[start + k] as number) * volume);
    return { input_values: f32([1, length], data) };
  });
}

/** Digits that the calibration does not use. */
function digits(count: number): InputSample[] {
  const spec = [{ name: "Input3", dtype: "f32" as const, shape: [1, 1, 28, 28] }];
  const training = readInputs(modelPath("mnist", "train-1000-images-idx3-ubyte.gz"), spec);
  return training.slice(0, count);
}

/** Four tokens after eight of the past, whose keys and values are small numbers. */
function tokens(count: number): InputSample[] {
  const random = randomNumbers(9);
  return Array.from({ length: count }, () => {
    const ids = BigInt64Array.from({ length: 4 }, () => BigInt(Math.floor(random() * 512)));
    const sample: Record<string, HostTensor> = { input_ids: { type: "i64", dims: [1, 4], data: ids } };
    for (let layer = 0; layer < 5; layer++) {
      for (const what of ["key", "value"]) {
        const data = Float32Array.from({ length: 4 * 8 * 8 }, () => 2 * random() - 1);
        sample[`past.${layer}.${what}`] = f32([1, 4, 8, 8], data);
      }
    }
    return sample;
  });
}

const IMAGENET = { mean: [123.675, 116.28, 103.53], deviation: [58.395, 57.12, 57.375] };
const even = (value: number) => [value, value, value];

const onRung = (rung: Rung, layers: readonly string[]) =>
  Object.fromEntries(layers.map((layer) => [layer, rung]));
const finest = (layers: readonly string[]) => onRung(4, layers);

export const MODEL_CASES: readonly ModelCase[] = [
  {
    name: "MNIST",
    folder: "mnist",
    file: "mnist-8.onnx",
    dims: {},
    kind: "classifier",
    least: 0.99,
    inputs: digits,
  },
  {
    name: "MobileNetV2 int8",
    folder: "mobilenetv2-int8",
    file: "model.onnx",
    dims: { batch_size: 1 },
    kind: "classifier",
    least: 0.99,
    inputs: planes("input", [224, 224], IMAGENET.mean, IMAGENET.deviation),
  },
  {
    name: "super-resolution",
    folder: "super-resolution",
    file: "super_resolution.onnx",
    dims: { batch_size: 1 },
    kind: "regression",
    least: 0.999,
    minAgreement: 0.9993,
    rungs: { "11": 1, "15": 2 },
    inputs: luminance,
  },
  {
    name: "Magika",
    folder: "magika",
    file: "model.onnx",
    dims: { unk__214: 1 },
    kind: "classifier",
    least: 0.99,
    inputs: files,
  },
  {
    name: "UltraFace",
    folder: "ultraface",
    file: "version-RFB-320_without_postprocessing.onnx",
    dims: {},
    kind: "regression",
    least: 0.999,
    minAgreement: 0.9995,
    rungs: onRung(2, [245, 248, 251, 254, 257, 260, 263, 266, 269, 272, 275, 278, 281, 309, 331].map(String)),
    inputs: planes("input", [240, 320], even(127), even(128)),
  },
  {
    name: "PaddleOCR direction classifier",
    folder: "ppocr-cls",
    file: "ch_ppocr_mobile_v2.0_cls_infer.onnx",
    dims: { "p2o.DynamicDimension.0": 1, "p2o.DynamicDimension.1": 48, "p2o.DynamicDimension.2": 192 },
    kind: "classifier",
    least: 0.99,
    // On rung 0 it is 98.5 % of 200 lines, and few calibration lines show that.
    rungs: onRung(2, [
      ...Array.from({ length: 42 }, (_, k) => `conv2d_${53 + k}.tmp_0`),
      ...Array.from({ length: 11 }, (_, k) => `depthwise_conv2d_${k}.tmp_0`),
      "p2o.MatMul.1",
    ]),
    inputs: planes("x", [48, 192], even(127.5), even(127.5), line),
  },
  {
    name: "PaddleOCR text detector",
    folder: "ppocr-det",
    file: "ch_PP-OCRv4_det_infer.onnx",
    dims: { "p2o.DynamicDimension.0": 1, "p2o.DynamicDimension.1": 160, "p2o.DynamicDimension.2": 160 },
    kind: "regression",
    least: 0.999,
    // A climb to 0.9984 raises 49 layers, some to rung 4, and takes longer to run: f32 convolutions of two planes are faster than a mix.
    rungs: onRung(3, [
      ...Array.from({ length: 48 }, (_, k) => `conv2d_${450 + k}.tmp_0`),
      ...Array.from({ length: 14 }, (_, k) => `depthwise_conv2d_${k}.tmp_0`),
      ...["p2o.ConvTranspose.1/conv", "p2o.ConvTranspose.3/conv"],
    ]),
    inputs: planes("x", [160, 160], IMAGENET.mean, IMAGENET.deviation, signs),
  },
  {
    name: "Moonshine encoder",
    folder: "moonshine-encoder",
    file: "encoder_model.onnx",
    dims: { batch_size: 1, num_samples: 32_000 },
    kind: "regression",
    // Its activations are quantised to 8 bits by their own extremes, which makes much of any difference: of inputs that differ by 1e-5, the source
    // model itself gives results with a cosine of 0.9993 on average and 0.9983 at least.
    least: 0.997,
    rungs: finest([
      ...["/conv1/Conv_output_0", "/conv2/Conv_output_0", "/conv3/Conv_output_0"],
      ...Array.from({ length: 6 }, (_, k) => `/layers.${k}/self_attn/MatMul_output_0`),
      ...Array.from({ length: 6 }, (_, k) => `/layers.${k}/self_attn/MatMul_1_output_0`),
    ]),
    inputs: speech,
  },
  {
    name: "TinyStories step",
    folder: "stories260k",
    file: "stories260K_fp32.onnx",
    dims: { T: 4, P: 8 },
    kind: "regression",
    least: 0.999,
    minAgreement: 0.99999,
    inputs: tokens,
  },
];
