import type { Graph } from "../onnx/graph.ts";
import type { Instruction } from "../program/instruction.ts";
import { affineStep } from "./affine.ts";
import type { Rungs } from "./linear/rung.ts";
import { Lowering } from "./lowering.ts";
import { preferGiven } from "./preferGiven.ts";
import type { TraceSource, WeightTensor } from "./programBuilder.ts";
import type { ValueStatistics } from "./quantisation.ts";
import { RULES } from "./rules.ts";
import type { ProgramType } from "./values.ts";

/** A model in both its exact forms. */
export interface ExactModel {
  /** The ONNX file onnxruntime runs. */
  readonly graph: Uint8Array;
  readonly instructions: readonly Instruction[];
  /** Per instruction: what it computes, for people. */
  readonly names: readonly string[];
  /** Per instruction: where the exact graph has the same tensor; null where it does not. */
  readonly sources: readonly (TraceSource | null)[];
  readonly weights: readonly WeightTensor[];
  readonly inputs: readonly {
    readonly name: string;
    readonly dims: readonly number[];
    readonly type: ProgramType;
  }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly dims: readonly number[];
    readonly type: ProgramType;
    readonly instruction: number;
  }[];
}

/**
 * Turns a float graph that fits the profile into the exact graph and the program.
 *
 * @throws FatalError MODEL_UNSUPPORTED, COMPILE_RANGE, COMPILE_WEIGHTS, COMPILE_OVERFLOW, COMPILE_RANK
 */
export function lowerModel(
  graph: Graph,
  statistics: ReadonlyMap<string, ValueStatistics>,
  rungs: Rungs = new Map(),
): ExactModel {
  const lowering = new Lowering(graph, statistics, rungs);
  preferGiven(lowering);
  for (const node of graph.nodes) {
    if (lowering.isAbsorbed(node)) continue;
    const [output = ""] = node.outputs;
    const step = lowering.preferred(output) ? undefined : affineStep(node, lowering);
    const lower = () => RULES.get(node.op)?.lower(node, lowering);
    if (step) lowering.defer(output, step, lower);
    else lower();
  }
  const outputs = graph.outputs.map(({ name }) => ({ name, ...lowering.finishOutput(name) }));
  const { instructions, names, sources, weights } = lowering.program;
  const inputs = graph.inputs.map(({ name, type }) => ({
    name,
    dims: lowering.dims(name),
    type: type as ProgramType,
  }));
  return { graph: lowering.exact.encode(), instructions, names, sources, weights, inputs, outputs };
}
