import { encodeGraph } from "../../onnx/encodeGraph.ts";
import type { Graph } from "../../onnx/graph.ts";
import { importModel } from "../../onnx/import.ts";
import { earlyLimits } from "./earlyLimits.ts";
import { earlyPools } from "./earlyPools.ts";
import { fewerCasts } from "./fewerCasts.ts";
import { foldedSteps } from "./foldedSteps.ts";

const PASSES: readonly ((graph: Graph) => Graph)[] = [foldedSteps, earlyLimits, earlyPools, fewerCasts];

/**
 * The same function in fewer nodes, for running: what only a trace needs as a tensor is not made. Every pass keeps every byte of the outputs.
 * @throws FatalError ONNX_MALFORMED
 */
export function leanForm(model: Uint8Array): Uint8Array {
  return encodeGraph(PASSES.reduce((graph, pass) => pass(graph), importModel(model)));
}
