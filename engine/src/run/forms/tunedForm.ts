import { encodeGraph } from "../../onnx/encodeGraph.ts";
import type { GraphNode } from "../../onnx/graph.ts";
import { importModel } from "../../onnx/import.ts";
import { shiftedForm, unsafeNodes } from "../kernelForms.ts";
import { arrangeChannels } from "./arrangeChannels.ts";
import { dimensions } from "./dimensions.ts";
import { columnsOf, integerLayer } from "./integerLayer.ts";
import { type LayerProbe, layerProbe } from "./layerProbe.ts";
import { areNeighboursHarmless } from "./pairing.ts";

/** What a graph's form depends on. */
export interface TunedFormParameters {
  /** Whether an op's u8 x i8 kernel is exact for all weights. */
  readonly isExact: (op: string) => Promise<boolean>;
  /** Of each probe, whether its layer is exact. */
  readonly prove: (probes: readonly LayerProbe[]) => Promise<readonly boolean[]>;
}

/**
 * The graph in the fastest form that is exact where it runs, decided layer by layer. Weights of 7 bits, and those of ops that are exact for all weights, stay int8.
 * Of the others those layers do whose own weights cannot saturate, which a probe has to show; the channels of some are put in another order for that
 * (`arrangeChannels.ts`). What is left is run as u8 x u8.
 *
 * @throws FatalError ONNX_MALFORMED, ONNX_REFUSED, KERNEL_FORM; what isExact and prove throw
 */
export async function tunedForm(
  model: Uint8Array,
  { isExact, prove }: TunedFormParameters,
): Promise<Uint8Array> {
  const unsafe = await unsafeNodes(model, isExact);
  if (unsafe.size === 0) return model;
  const isUnsafe = (node: GraphNode) => unsafe.has(node.outputs[0] ?? "");
  const graph = importModel(model);
  const arranged = arrangeChannels(graph, isUnsafe);
  const candidates = arranged.nodes.flatMap((node) => {
    const layer = isUnsafe(node) ? integerLayer(node, arranged) : undefined;
    if (!layer) return [];
    // A layer that is bound to fail is not worth its probe.
    const isWorthIt =
      (layer.kind === "convolution" && layer.group > 1) || areNeighboursHarmless(columnsOf(layer));
    return isWorthIt ? [layer] : [];
  });
  if (candidates.length === 0) return shiftedForm(model, unsafe);
  const shapes = await dimensions(arranged);
  const probes = candidates.flatMap((layer) => {
    const probe = layerProbe(layer, arranged, shapes.get(layer.node.inputs[0] ?? "") ?? []);
    return probe ? [{ probe, output: layer.node.outputs[0] ?? "" }] : [];
  });
  const proven = await prove(probes.map(({ probe }) => probe));
  for (const [at, { output }] of probes.entries()) if (proven[at]) unsafe.delete(output);
  return shiftedForm(encodeGraph(arranged), unsafe);
}
