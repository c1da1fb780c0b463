import { FatalError } from "@surety/protocol";
import { foldConstants } from "../onnx/foldConstants.ts";
import { describeNode, type Graph, type GraphNode } from "../onnx/graph.ts";
import { type ImportOptions, importModel } from "../onnx/import.ts";
import { prepareModel } from "./prepare/prepareModel.ts";
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
}

/**
 * Says op by op whether a model fits the exact profile, without calibration data. What only shapes can tell comes out when compiling.
 *
 * @throws FatalError as importModel and foldConstants, for files that are no sound ONNX
 */
export async function checkModel(model: Uint8Array, options: ImportOptions = {}): Promise<ModelReport> {
  const graph = importModel(model, options);
  const isFixed = graph.inputs.every(({ dims }) => dims?.every((dim) => typeof dim === "number" && dim > 0));
  return reportOn(isFixed ? await prepareModel(graph) : await foldConstants(graph));
}

/** The report on an imported graph whose constants are folded. */
export function reportOn(graph: Graph): ModelReport {
  const nodes = graph.nodes.map((node) => {
    const reason = reasonAgainst(node, graph);
    const op = node.domain === "" ? node.op : `${node.domain}.${node.op}`;
    return { node: node.name, op, fits: reason === undefined, ...(reason === undefined ? {} : { reason }) };
  });
  const problems: string[] = [];
  for (const input of graph.inputs) {
    if (!isProgramType(input.type)) problems.push(`input "${input.name}" is ${input.type}, which is not in the exact profile`);
    const symbol = input.dims?.find((dim) => typeof dim === "string");
    if (input.dims === undefined) problems.push(`input "${input.name}" declares no shape`);
    else if (symbol !== undefined)
      problems.push(`input "${input.name}" has the symbolic dimension "${symbol}"; fix its size`);
    else if (input.dims.includes(0))
      problems.push(`input "${input.name}" has the shape [${input.dims}], which holds no elements`);
  }
  if (graph.inputs.length === 0) problems.push("the model has no inputs");
  const computed = new Set(graph.nodes.flatMap((node) => node.outputs));
  for (const output of graph.outputs) {
    if (!isProgramType(output.type))
      problems.push(`output "${output.name}" is ${output.type}, which is not in the exact profile`);
    if (!computed.has(output.name)) problems.push(`output "${output.name}" is an input or a constant`);
  }
  return {
    fits: problems.length === 0 && nodes.every((node) => node.fits),
    opset: graph.opset,
    problems,
    nodes,
  };
}

function reasonAgainst(node: GraphNode, graph: Graph): string | undefined {
  const rule = node.domain === "" ? RULES.get(node.op) : undefined;
  if (!rule) return "the op is not in the exact profile";
  return rule.check(node, graph);
}

/** @throws FatalError MODEL_UNSUPPORTED naming the first problem and how many more there are */
export function requireFit(graph: Graph): void {
  const report = reportOn(graph);
  const problems = [
    ...report.problems,
    ...report.nodes.flatMap((entry, index) =>
      entry.fits ? [] : [`${describeNode(graph.nodes[index] as GraphNode)}: ${entry.reason}`],
    ),
  ];
  if (problems.length === 0) return;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more; run "surety model check")` : "";
  throw new FatalError(
    "MODEL_UNSUPPORTED",
    `The model does not fit the exact profile: ${problems[0]}${more}.`,
  );
}
