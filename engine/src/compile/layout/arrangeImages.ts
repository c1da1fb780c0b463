import { encodeGraph } from "../../onnx/encodeGraph.ts";
import { importModel } from "../../onnx/import.ts";
import type { ExactModel } from "../lowerModel.ts";
import { observeShapes } from "../prepare/observeShapes.ts";
import { channelsLast, movedSource } from "./channelsLast.ts";

/** The same model with its graph's images kept channels-last, where it convolves any. */
export async function arrangeImages(model: ExactModel): Promise<ExactModel> {
  const graph = importModel(model.graph);
  if (!graph.nodes.some((node) => node.op === "QLinearConv")) return model;
  const { types } = await observeShapes(graph);
  const { graph: arranged, moved } = channelsLast(
    graph,
    types,
    new Set(model.sources.flatMap((source) => source?.tensor ?? [])),
  );
  const sources = model.sources.map((source) => {
    const tensor = source === null ? undefined : moved.get(source.tensor);
    if (source === null || tensor === undefined) return source;
    return movedSource(source, tensor, types.get(source.tensor)?.dims ?? []);
  });
  return { ...model, graph: encodeGraph(arranged), sources };
}
