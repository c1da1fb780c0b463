import type { Graph } from "../onnx/graph.ts";
import { type ExactModel, lowerModel } from "./lowerModel.ts";
import { observeShapes } from "./prepare/observeShapes.ts";
import type { ValueStatistics } from "./quantisation.ts";

/**
 * The program a prepared graph would become, with made-up ranges: right in its shape and sizes, wrong in its numbers.
 *
 * @throws FatalError as lowerModel: what only shapes can tell
 */
export async function lowerUncalibrated(graph: Graph): Promise<ExactModel> {
  const { types } = await observeShapes(graph);
  const statistics = new Map<string, ValueStatistics>();
  for (const [name, { type, dims }] of types) {
    statistics.set(name, {
      type,
      dims,
      min: -1,
      max: 1,
      histogram: new Float64Array(0),
      channelMeans: new Float64Array(dims[1] ?? 1),
      lastMeans: new Float64Array(dims.at(-1) ?? 1),
    });
  }
  return lowerModel(graph, statistics);
}
