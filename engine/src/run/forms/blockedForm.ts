import { encodeGraph } from "../../onnx/encodeGraph.ts";
import { importModel } from "../../onnx/import.ts";
import { blockableConvolution, blockedImages } from "./blockedImages.ts";
import { dimensions } from "./dimensions.ts";

/**
 * The graph with its f32 convolutions in onnxruntime's blocked layout; the very bytes given where there is none to gain.
 *
 * @param blockSize of this CPU; undefined where the layout is not known to work
 * @throws FatalError ONNX_MALFORMED, ONNX_REFUSED; what blockSize throws
 */
export async function blockedForm(
  model: Uint8Array,
  blockSize: () => Promise<number | undefined>,
): Promise<Uint8Array> {
  const graph = importModel(model);
  if (!graph.nodes.some((node) => blockableConvolution(node, graph))) return model;
  const block = await blockSize();
  if (block === undefined) return model;
  const dims = await dimensions(graph);
  return encodeGraph(blockedImages(graph, block, (name) => dims.get(name)));
}
