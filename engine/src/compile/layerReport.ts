import type { InputSample } from "../inputs/readInputs.ts";
import { foldConstants } from "../onnx/foldConstants.ts";
import { type ImportOptions, importModel } from "../onnx/import.ts";
import { type StepCost, worstStepCost } from "../program/step-cost.ts";
import { calibrate } from "./calibrate.ts";
import { requireFit, requireKnown } from "./checkModel.ts";
import { type LayerError, measureLayers } from "./linear/layerErrors.ts";
import { lowerModel } from "./lowerModel.ts";
import { lowerUncalibrated } from "./lowerUncalibrated.ts";
import { canonicalModel, prepareModel } from "./prepare/prepareModel.ts";

/** What a model's layers cost and lose, one by one. */
export interface LayerReport {
  /** What it costs at most to have one element of each instruction recomputed on the chain, in program order. */
  readonly steps: readonly (StepCost & { readonly name: string })[];
  /** What each linear layer alone does to the outputs, on every rung of precision; absent without calibration inputs. */
  readonly errors?: readonly LayerError[];
}

/** Samples that layers are measured on. */
const SAMPLES = 2;

/**
 * Step cost of every instruction, and, with calibration inputs, the error of every layer by itself.
 *
 * @throws FatalError as compileModel
 */
export async function layerReport(
  model: Uint8Array,
  options: ImportOptions & { readonly calibration?: readonly InputSample[] } = {},
): Promise<LayerReport> {
  const { calibration } = options;
  const folded = await foldConstants(canonicalModel(importModel(model, options)).graph);
  requireKnown(folded);
  const graph = await prepareModel(folded);
  requireFit(graph);
  const statistics = calibration && (await calibrate(graph, calibration));
  const exact = statistics ? lowerModel(graph, statistics, new Map()) : await lowerUncalibrated(graph);
  const { instructions, names, weights } = exact;
  const tensors = Math.max(instructions.length, weights.length);
  const steps = instructions.map((instruction, index) => ({
    name: names[index] ?? "",
    ...worstStepCost(instruction, tensors),
  }));
  if (!statistics) return { steps };
  return { steps, errors: await measureLayers(graph, statistics, calibration.slice(0, SAMPLES)) };
}
