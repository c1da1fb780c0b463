import { FatalError } from "@surety/protocol";
import { foldConstants } from "../onnx/foldConstants.ts";
import { type Graph, type GraphNode, qualifiedOp } from "../onnx/graph.ts";
import { type ImportOptions, importModel } from "../onnx/import.ts";
import { type WorstStep, worstStep } from "../program/step-cost.ts";
import { lowerUncalibrated } from "./lowerUncalibrated.ts";
import { DECOMPOSITIONS } from "./prepare/decompositions.ts";
import { hasStringLabels } from "./prepare/mlScores.ts";
import { decidedBySizes } from "./prepare/observeShapes.ts";
import { canonicalModel, prepareModel } from "./prepare/prepareModel.ts";
import { RULES } from "./rules.ts";
import { isProgramType } from "./values.ts";

/** Whether one node fits the exact profile. */
export interface NodeReport {
  readonly node: string;
  /** With its domain, if it is not a standard op. */
  readonly op: string;
  readonly fits: boolean;
  /** Why not, in one clause. */
  readonly reason?: string;
}

export interface ModelReport {
  readonly fits: boolean;
  readonly opset: number;
  /** What speaks against the model as a whole: its inputs and outputs. */
  readonly problems: readonly string[];
  /** Every node left after constants are folded, in order of execution. */
  readonly nodes: readonly NodeReport[];
  /** The step that costs most to have recomputed on the chain, and what it computes; where the model fits. */
  readonly worstStep?: WorstStep & { readonly name: string };
}

/**
 * Says op by op whether a model fits the exact profile, without calibration data, and what its most expensive step costs.
 *
 * @throws FatalError as importModel and foldConstants, for files that are no sound ONNX
 */
export async function checkModel(model: Uint8Array, options: ImportOptions = {}): Promise<ModelReport> {
  const imported = importModel(model, options);
  const graph = await foldConstants(canonicalModel(imported).graph);
  const { opset } = imported;
  const report = reportOn(graph, unknownOp);
  // Unknown ops and open sizes need no run; the rest only comes out once sizes are known and compositions are taken apart.
  if (!report.fits) return { ...report, opset };
  const prepared = await prepareModel(graph);
  const whole = { ...reportOn(prepared, reasonAgainst), opset };
  if (!whole.fits) return whole;
  try {
    const { instructions, names, weights } = await lowerUncalibrated(prepared);
    const worst = worstStep(instructions, weights.length);
    return { ...whole, worstStep: { ...worst, name: names[worst.instruction] ?? "" } };
  } catch (error) {
    if (!(error instanceof FatalError) || error.code !== "MODEL_UNSUPPORTED") throw error;
    return { ...whole, fits: false, problems: [error.message] };
  }
}

function reportOn(
  graph: Graph,
  reasonAgainst: (node: GraphNode, graph: Graph) => string | undefined,
): ModelReport {
  const decided = decidedBySizes(graph);
  const computes = (node: GraphNode) => !node.outputs.every((name) => name === "" || decided.has(name));
  const nodes = graph.nodes.filter(computes).map((node) => {
    const reason = reasonAgainst(node, graph);
    const op = qualifiedOp(node);
    return { node: node.name, op, fits: reason === undefined, ...(reason === undefined ? {} : { reason }) };
  });
  const problems: string[] = [];
  for (const input of graph.inputs) {
    if (!isProgramType(input.type))
      problems.push(`input "${input.name}" is ${input.type}, which is not in the exact profile`);
    const symbol = input.dims?.find((dim) => typeof dim === "string");
    if (input.dims === undefined) problems.push(`input "${input.name}" declares no shape`);
    else if (symbol !== undefined)
      problems.push(`input "${input.name}" has the symbolic dimension "${symbol}"; fix its size`);
    else if (input.dims.includes(0))
      problems.push(`input "${input.name}" has the shape [${input.dims}], which holds no elements`);
  }
  if (graph.inputs.length === 0) problems.push("the model has no inputs");
  for (const output of graph.outputs) {
    if (!isProgramType(output.type))
      problems.push(`output "${output.name}" is ${output.type}, which is not in the exact profile`);
    if (graph.inputs.some((input) => input.name === output.name))
      problems.push(`output "${output.name}" is an input`);
  }
  return {
    fits: problems.length === 0 && nodes.every((node) => node.fits),
    opset: graph.opset,
    problems,
    nodes,
  };
}

function unknownOp(node: GraphNode): string | undefined {
  const op = qualifiedOp(node);
  if (hasStringLabels(node)) return "its labels are strings";
  return RULES.has(op) || DECOMPOSITIONS.has(op) ? undefined : "the op is not in the exact profile";
}

function reasonAgainst(node: GraphNode, graph: Graph): string | undefined {
  return unknownOp(node) ?? RULES.get(qualifiedOp(node))?.check(node, graph);
}

/**
 * What must hold before a model is run: no unknown op, all sizes given.
 * @throws FatalError MODEL_UNSUPPORTED naming the first problem and how many more there are
 */
export function requireKnown(graph: Graph): void {
  requireNone(reportOn(graph, unknownOp));
}

/** What must hold of a prepared graph. @throws FatalError MODEL_UNSUPPORTED */
export function requireFit(graph: Graph): void {
  requireNone(reportOn(graph, reasonAgainst));
}

function requireNone(report: ModelReport): void {
  const problems = [
    ...report.problems,
    ...report.nodes.flatMap(({ fits, op, node, reason }) =>
      fits ? [] : [`${op} node "${node}": ${reason}`],
    ),
  ];
  if (problems.length === 0) return;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more; run "surety model check")` : "";
  throw new FatalError(
    "MODEL_UNSUPPORTED",
    `The model does not fit the exact profile: ${problems[0]}${more}.`,
  );
}
