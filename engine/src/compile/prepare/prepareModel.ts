import { FatalError } from "@surety/protocol";
import { withoutDeadNodes } from "../../onnx/deadNodes.ts";
import { foldConstants, liftConstants } from "../../onnx/foldConstants.ts";
import type { Graph } from "../../onnx/graph.ts";
import { arrangeQuantisation } from "./arrangeQuantisation.ts";
import { DECOMPOSITIONS } from "./decompositions.ts";
import { SAFE_INTEGERS } from "./integers.ts";
import { observeShapes } from "./observeShapes.ts";
import { CANONICAL_OPSET } from "./opset.ts";
import { RECURRENT_LAYOUTS } from "./recurrent.ts";
import { rewriteGraph } from "./rewrite.ts";
import { staticTypes } from "./staticTypes.ts";
import { DOWNGRADES, UPGRADES } from "./upgrades.ts";
import { findGelus } from "./writtenGelus.ts";

/** What is rewritten because onnxruntime cannot run it. */
const RUNNABLE = new Map([...SAFE_INTEGERS, ...RECURRENT_LAYOUTS]);

/** Decompositions may give ops that are decomposed in turn; none nests deeper. */
const MAX_PASSES = 8;

/**
 * An imported graph in nodes of the canonical opset, without what onnxruntime cannot run (arithmetic of 8 bits, batches in front of time). Nothing is run for it.
 *
 * @returns the graph, and whether onnxruntime could not have run the graph as it was
 * @throws FatalError MODEL_UNSUPPORTED, ONNX_CONSTANT
 */
export function canonicalModel(graph: Graph): { graph: Graph; replaces: boolean } {
  const upgraded = upgrade(liftConstants(graph));
  const types = [...staticTypes(upgraded)].map(([name, type]) => [name, { type, dims: [] }] as const);
  const { graph: safe, changed } = rewriteGraph(upgraded, RUNNABLE, new Map(types));
  return { graph: safe, replaces: changed };
}

/**
 * Brings a canonical graph into the form that is lowered: constants folded (with all that sizes decide), ops that are compositions of others
 * taken apart. It is still an ordinary float graph.
 *
 * @param graph as canonicalModel gives it, its inputs' sizes fixed
 * @throws FatalError MODEL_UNSUPPORTED, ONNX_*
 */
export async function prepareModel(graph: Graph): Promise<Graph> {
  let current = await foldConstants(graph);
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const { types, fixed } = await observeShapes(current);
    const folded = await foldConstants(withConstants(current, fixed));
    const { graph: rewritten, changed } = rewriteGraph(findGelus(folded, types), DECOMPOSITIONS, types);
    // Before shapes are observed, which would turn a DequantizeLinear of constants into numbers without their integers.
    current = await foldConstants(rewritten);
    if (!changed) return withoutDeadNodes(arrangeQuantisation(current));
  }
  throw new FatalError("COMPILE_INTERNAL", `The model is not in its final form after ${MAX_PASSES} passes.`);
}

function upgrade(graph: Graph): Graph {
  const rewrites = graph.opset > CANONICAL_OPSET ? DOWNGRADES : UPGRADES;
  return { ...rewriteGraph(graph, rewrites, new Map()).graph, opset: CANONICAL_OPSET };
}

/** Replaces computed values by constants. */
function withConstants(
  graph: Graph,
  values: ReadonlyMap<string, Graph["initializers"] extends ReadonlyMap<string, infer T> ? T : never>,
): Graph {
  const nodes = graph.nodes.filter((node) => !node.outputs.every((name) => name === "" || values.has(name)));
  return { ...graph, nodes, initializers: new Map([...graph.initializers, ...values]) };
}
