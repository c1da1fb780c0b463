import type { Graph, GraphNode } from "../../onnx/graph.ts";
import type { HostTensor } from "../../onnx/tensor.ts";
import type { CleanGraph } from "./cleanUp.ts";

/** Ops whose results are the same for -0 as for +0, of these inputs. */
const BLIND: Readonly<Record<string, readonly number[]>> = {
  QuantizeLinear: [0],
  Equal: [0, 1],
  Less: [0, 1],
  LessOrEqual: [0, 1],
  Greater: [0, 1],
  GreaterOrEqual: [0, 1],
};

/** Ops whose results differ in the sign of zeros only when these inputs do. A divisor is none of them: 1 / -0 is not 1 / 0. */
const PASSING: Readonly<Record<string, readonly number[]>> = {
  ...Object.fromEntries(
    "Abs Ceil Floor Identity Neg Relu Reshape Round Sqrt Squeeze Transpose Unsqueeze Div Resize Slice Expand"
      .split(" ")
      .map((op) => [op, [0]]),
  ),
  ...Object.fromEntries("Add Sub Mul".split(" ").map((op) => [op, [0, 1]])),
  Where: [1, 2],
  Clip: [0],
};
/** Those that do so of all their inputs. */
const PASSING_ALL = new Set(["Max", "Min", "Concat"]);

/** Element types of casts that make one number of both zeros: u8, i8, i32, i64. */
const INTEGER_CASTS = new Set([2, 3, 6, 7]);

/**
 * Takes out the additions of +0 that make -0 plus, where nothing that is kept depends on the sign: before a rounding to integers, say.
 *
 * @param kept tensors that have to keep every bit: those of a trace
 */
export function hideZeroSigns(graph: Graph, kept: ReadonlySet<string>): CleanGraph {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  /** Values whose zeros' signs matter. */
  const watched = new Set([...kept, ...outputs]);
  for (const node of graph.nodes.toReversed()) {
    const isWatched = node.outputs.some((name) => watched.has(name));
    node.inputs.forEach((name, at) => {
      if (looksAt(node, at, isWatched) && !drownsZero(node, at, graph.initializers)) watched.add(name);
    });
  }
  const unsigned = withoutMinusZero(graph);
  const renamed = new Map<string, string>();
  const nodes = graph.nodes.flatMap((node) => {
    const inputs = node.inputs.map((name) => renamed.get(name) ?? name);
    const [output = ""] = node.outputs;
    const summand = addsNothing(node, graph.initializers);
    const isIdle = !watched.has(output) || (summand !== undefined && unsigned.has(summand));
    // An output has to be there under its own name.
    const value = isIdle && !outputs.has(output) ? summand : undefined;
    if (value === undefined) return [{ ...node, inputs }];
    renamed.set(output, renamed.get(value) ?? value);
    return [];
  });
  return { graph: { ...graph, nodes }, renamed };
}

/** Ops that give -0 only if one of these inputs is -0. */
const HANDING_ON: Readonly<Record<string, readonly number[]>> = {
  ...Object.fromEntries(
    "Reshape Transpose Squeeze Unsqueeze Slice Identity Expand Sub".split(" ").map((op) => [op, [0]]),
  ),
  Max: [0, 1],
  Min: [0, 1],
  Where: [1, 2],
};

/** The values that are never -0: a sum is only if both its parts are, a difference only if what it is taken from is. */
function withoutMinusZero(graph: Graph): Set<string> {
  const never = new Set<string>();
  for (const [name, { type, data }] of graph.initializers) {
    if (type === "f32" && !(data as Float32Array).some((value) => Object.is(value, -0))) never.add(name);
  }
  for (const { domain, op, inputs, outputs } of graph.nodes) {
    if (domain !== "") continue;
    const handing = HANDING_ON[op];
    const isNever =
      op === "Abs" ||
      (op === "Add" && inputs.some((name) => never.has(name))) ||
      (op === "Mul" && inputs[0] === inputs[1]) ||
      handing?.every((at) => never.has(inputs[at] ?? "")) === true;
    if (isNever) for (const name of outputs) never.add(name);
  }
  return never;
}

/** Whether a zero's sign is lost: a number other than 0 is added to it, or it is multiplied by itself. */
function drownsZero(node: GraphNode, at: number, initializers: ReadonlyMap<string, HostTensor>): boolean {
  if (node.domain !== "" || node.inputs.length !== 2) return false;
  const other = node.inputs[1 - at] ?? "";
  if (node.op === "Mul") return node.inputs[at] === other;
  if (node.op !== "Add" && node.op !== "Sub") return false;
  const constant = initializers.get(other);
  return constant?.type === "f32" && !(constant.data as Float32Array).includes(0);
}

function looksAt(node: GraphNode, at: number, isWatched: boolean): boolean {
  if (node.domain !== "") return true;
  if (BLIND[node.op]?.includes(at)) return false;
  if (node.op === "Cast" && at === 0) {
    const to = node.attributes.get("to");
    return !(to?.kind === "int" && INTEGER_CASTS.has(to.value));
  }
  if (PASSING_ALL.has(node.op) || PASSING[node.op]?.includes(at)) return isWatched;
  return true;
}

/** What a node adds +0 to, which has the result's shape: the zero has no dimensions. */
function addsNothing(node: GraphNode, initializers: ReadonlyMap<string, HostTensor>): string | undefined {
  if (node.domain !== "" || node.op !== "Add") return undefined;
  const [a = "", b = ""] = node.inputs;
  const isZero = (name: string) => {
    const constant = initializers.get(name);
    return constant?.type === "f32" && constant.dims.length === 0 && Object.is(constant.data[0], 0);
  };
  return isZero(b) ? a : isZero(a) ? b : undefined;
}
