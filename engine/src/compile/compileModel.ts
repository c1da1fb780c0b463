import { createHash } from "node:crypto";
import { FatalError, UsageError } from "@surety/protocol";
import { checkInput, type InputSample, type InputSpec } from "../inputs/readInputs.ts";
import { encodeGraph } from "../onnx/encodeGraph.ts";
import { foldConstants } from "../onnx/foldConstants.ts";
import type { Graph } from "../onnx/graph.ts";
import { type ImportOptions, importModel } from "../onnx/import.ts";
import { bytesOf, type HostTensor } from "../onnx/tensor.ts";
import { DTYPES } from "../program/instruction.ts";
import { assembleBundle, type Bundle } from "../run/bundle.ts";
import { withGolden } from "../run/golden.ts";
import { type Accuracy, type Precision, sha256Hex } from "../run/manifest.ts";
import { createSession, ONNXRUNTIME_VERSION, runSession, withoutNaN } from "../run/onnxruntime.ts";
import { measureAccuracy } from "./accuracy.ts";
import { calibrate } from "./calibrate.ts";
import { requireFit, requireKnown } from "./checkModel.ts";
import { arrangeImages } from "./layout/arrangeImages.ts";
import { cleanUp } from "./layout/cleanUp.ts";
import { climb } from "./linear/climb.ts";
import { measureLayers } from "./linear/layerErrors.ts";
import type { Rung, Rungs } from "./linear/rung.ts";
import { lowerModel } from "./lowerModel.ts";
import { canonicalModel, prepareModel } from "./prepare/prepareModel.ts";
import type { ValueStatistics } from "./quantisation.ts";

export interface CompileModelParameters extends ImportOptions {
  /** The ONNX file. */
  readonly model: Uint8Array;
  /** Inputs the float model is run on to choose the quantisation; see readInputs. */
  readonly calibration: readonly InputSample[];
  /** How precisely linear layers compute, by their nodes' first outputs; the others are on rung 0. See docs/precision.md. */
  readonly rungs?: Readonly<Record<string, Rung>>;
  /**
   * Instead of rungs: layers are raised until the calibration samples agree at least so with the float model; for a classifier the share with the same
   * class, else the least cosine similarity of an output. What was reached is in the manifest.
   */
  readonly minAgreement?: number;
  /** Told how far it is; for people. */
  readonly onProgress?: (progress: CompileProgress) => void;
}

/** How far a compilation is: what it does, and how many of how many samples it has done it with. */
export interface CompileProgress {
  readonly stage: "preparing" | "calibrating" | "running the source model" | "lowering and measuring";
  readonly done?: number;
  readonly total?: number;
}

/**
 * Compiles a float32 ONNX model to the exact profile. The same file and samples give the same bytes (on one kind of CPU: the float
 * model's own results, from which scales are chosen, differ between CPUs).
 *
 * @example
 * const model = readFileSync("mnist-8.onnx");
 * const calibration = readInputs("train-images-idx3-ubyte.gz", modelInputs(model));
 * writeBundle(await compileModel({ model, calibration }), "mnist.bundle");
 * @throws FatalError ONNX_* for unsound files, MODEL_UNSUPPORTED, COMPILE_*, INPUT_*
 */
export async function compileModel(parameters: CompileModelParameters): Promise<Bundle> {
  const { model, calibration, onProgress = () => {} } = parameters;
  onProgress({ stage: "preparing" });
  const imported = importModel(model, parameters);
  const specs = specsOf(imported);
  const canonical = canonicalModel(imported);
  const folded = await foldConstants(canonical.graph);
  requireKnown(folded);
  const graph = await prepareModel(folded);
  requireFit(graph);
  const samples = calibration.map((sample, index) => checkSample(sample, specs, index));
  const statistics = await calibrate(graph, samples, (done, total) =>
    onProgress({ stage: "calibrating", done, total }),
  );
  onProgress({ stage: "running the source model" });
  const expected = await runSource(canonical.replaces ? canonical.graph : imported, samples);
  const attempt = async (rungs: Rungs) => {
    onProgress({ stage: "lowering and measuring" });
    const exact = cleanUp(await arrangeImages(lowerModel(graph, statistics, rungs)));
    return { exact, rungs, accuracy: await measureAccuracy(exact.graph, samples, expected) };
  };
  const { result, climbed } = await chooseRungs(parameters, graph, statistics, samples, attempt);
  const { exact, accuracy } = result;
  const precision: Precision = {
    rungs: Object.fromEntries(result.rungs),
    ...(climbed ? { climb: climbed } : {}),
  };

  const opCounts: Record<string, number> = {};
  for (const { accumulate } of exact.instructions) opCounts[accumulate] = (opCounts[accumulate] ?? 0) + 1;
  const bundle = assembleBundle({
    graph: exact.graph,
    instructions: exact.instructions,
    weights: exact.weights,
    inputs: exact.inputs.map(({ name, dims, type }) => ({ name, dtype: type, shape: dims })),
    outputs: exact.outputs.map(({ name, dims, type, instruction }) => ({
      name,
      dtype: type,
      shape: dims,
      instruction,
    })),
    facts: {
      onnxruntime: ONNXRUNTIME_VERSION,
      source: { sha256: sha256Hex(model), bytes: model.length },
      calibration: { samples: samples.length, sha256: sampleHash(samples) },
      accuracy,
      precision,
      opCounts,
      instructions: exact.names.map((name, index) => ({ name, source: exact.sources[index] ?? null })),
      weights: exact.weights.map(({ name, dtype, bytes }) => ({
        name,
        dtype,
        elements: bytes.length / DTYPES[dtype].bytes,
      })),
    },
  });
  return withGolden(bundle);
}

/** Samples that layers are measured on one by one. */
const LAYER_SAMPLES = 2;

/** The model on the rungs that are given, or on those it takes to agree as asked. */
async function chooseRungs<Result extends { readonly accuracy: Accuracy }>(
  { rungs, minAgreement }: CompileModelParameters,
  graph: Graph,
  statistics: ReadonlyMap<string, ValueStatistics>,
  samples: readonly InputSample[],
  attempt: (rungs: Rungs) => Promise<Result>,
): Promise<{ result: Result; climbed?: Precision["climb"] }> {
  if (minAgreement === undefined) return { result: await attempt(new Map(Object.entries(rungs ?? {}))) };
  const measure = () => measureLayers(graph, statistics, samples.slice(0, LAYER_SAMPLES));
  const { result, reached, climbed, costliest, trials } = await climb(measure, minAgreement, attempt);
  return {
    result,
    climbed: { minAgreement, reached, trials, layers: climbed, ...(costliest ? { costliest } : {}) },
  };
}

/**
 * What a model file expects of its inputs, for readInputs.
 * @throws FatalError as importModel; MODEL_UNSUPPORTED for shapes that are not fixed
 */
export function modelInputs(model: Uint8Array, options: ImportOptions = {}): InputSpec[] {
  return specsOf(importModel(model, options));
}

function specsOf(graph: Graph): InputSpec[] {
  return graph.inputs.map(({ name, type, dims }) => {
    if (!dims || dims.some((dim) => typeof dim === "string")) {
      const shape = dims ? `[${dims}]` : "unknown";
      throw new FatalError(
        "MODEL_UNSUPPORTED",
        `The shape of the input "${name}" is ${shape}; fix its symbolic dimensions.`,
      );
    }
    return { name, dtype: type, shape: dims as number[] };
  });
}

function checkSample(sample: InputSample, specs: readonly InputSpec[], index: number): InputSample {
  return Object.fromEntries(
    specs.map((spec) => {
      const tensor = sample[spec.name];
      if (!tensor)
        throw new UsageError(
          "INPUT_NAME",
          `Calibration sample ${index} does not give the input "${spec.name}".`,
        );
      checkInput(tensor, spec, `Calibration sample ${index}`);
      return [spec.name, withoutNaN(withoutOddBools(tensor))];
    }),
  );
}

/** onnxruntime does not say what it makes of a bool that is neither 0 nor 1. */
function withoutOddBools(tensor: HostTensor): HostTensor {
  if (tensor.type !== "bool") return tensor;
  return { ...tensor, data: (tensor.data as Uint8Array).map((value) => (value === 0 ? 0 : 1)) };
}

/** The source model's own outputs for each sample. */
async function runSource(graph: Graph, samples: readonly InputSample[]): Promise<InputSample[]> {
  const session = await createSession(encodeGraph(graph), { intraOpNumThreads: 1 });
  try {
    const outputs: InputSample[] = [];
    for (const sample of samples) outputs.push(await runSession(session, sample));
    return outputs;
  } finally {
    await session.release();
  }
}

function sampleHash(samples: readonly InputSample[]): string {
  const hash = createHash("sha256");
  for (const sample of samples) {
    for (const [name, tensor] of Object.entries(sample))
      hash.update(name).update(bytesOf(tensor as HostTensor));
  }
  return hash.digest("hex");
}
