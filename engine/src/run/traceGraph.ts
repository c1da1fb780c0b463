import {
  decodeModel,
  encodeModel,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "../onnx/proto.ts";
import { ELEMENT_TYPES, type HostTensor, i64Tensor, tensorToProto } from "../onnx/tensor.ts";
import { outputBytes } from "../program/index.ts";
import type { Bundle } from "./bundle.ts";

/** Name of an instruction's tensor among the outputs of the trace graph. */
export function traceName(instruction: number): string {
  return `surety.trace.${instruction}`;
}

/** A run of nodes of the exact graph, and the nodes that give its instructions' tensors in the layout the program commits. */
export interface TraceSegment {
  readonly nodes: readonly NodeProto[];
  /** Shapes of reshapes. */
  readonly initializers: readonly TensorProto[];
  /** The instructions whose tensors it gives, under their `traceName`. */
  readonly instructions: readonly number[];
  /** Tensors of the graph that it reads from outside: inputs of the graph, tensors of earlier segments, initializers. */
  readonly reads: ReadonlySet<string>;
  /** Tensors it makes that a later segment reads. */
  readonly kept: readonly string[];
}

export interface TraceGraph {
  readonly model: ModelProto;
  readonly segments: readonly TraceSegment[];
}

/**
 * Cuts the exact graph into segments that can be run one after the other, each with no more than about `segmentBytes` of instructions' tensors. The graph is
 * run as it is written, node by node, so that cutting it changes no byte.
 */
export function traceGraph(bundle: Bundle, segmentBytes: number): TraceGraph {
  const model = decodeModel(bundle.graph, "model.onnx");
  const nodes = model.graph?.node ?? [];
  const producer = new Map(nodes.flatMap(({ output = [] }, node) => output.map((name) => [name, node])));
  const tracedAt = Map.groupBy(
    bundle.manifest.instructions.flatMap(({ source }, index) => (source ? [{ source, index }] : [])),
    // What no node makes is an input or an initializer of the graph: the first segment has it.
    ({ source }) => producer.get(source.tensor) ?? 0,
  );

  const drafts: Omit<TraceSegment, "kept">[] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const [at, node] of nodes.entries()) {
    const traced = tracedAt.get(at) ?? [];
    const more = traced.reduce((sum, { index }) => sum + instructionBytes(bundle, index), 0);
    if (bytes + more > segmentBytes) {
      drafts.push({ nodes: [], initializers: [], instructions: [], reads: new Set() });
      bytes = 0;
    }
    bytes += more;
    const draft = drafts.at(-1) as Draft;
    draft.nodes.push(node);
    for (const { index } of traced) addTrace(draft, bundle, index);
  }
  const made = drafts.map((draft) => draft.nodes.flatMap(({ output = [] }) => output));
  for (const [number, draft] of (drafts as Draft[]).entries()) {
    const own = new Set(made[number]);
    for (const { input = [] } of draft.nodes) {
      for (const name of input) if (name !== "" && !own.has(name)) draft.reads.add(name);
    }
  }
  const all = drafts.map((draft, number) => {
    const later = drafts.slice(number + 1);
    const kept = (made[number] as string[]).filter((name) => later.some(({ reads }) => reads.has(name)));
    return { ...draft, kept };
  });
  // The last nodes may only lay out an output: no tensor of the trace needs them.
  const segments = all.filter(({ instructions, kept }) => instructions.length + kept.length > 0);
  return { model, segments };
}

interface Draft {
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
  readonly instructions: number[];
  readonly reads: Set<string>;
}

function instructionBytes(bundle: Bundle, index: number): number {
  const instruction = bundle.instructions[index];
  return instruction ? outputBytes(instruction) : 0;
}

function addTrace(draft: Draft, bundle: Bundle, index: number): void {
  const source = bundle.manifest.instructions[index]?.source;
  if (!source) return;
  const output = traceName(index);
  draft.instructions.push(index);
  if (source.permutation.every((axis, k) => axis === k)) {
    draft.nodes.push({ opType: "Identity", name: output, input: [source.tensor], output: [output] });
    return;
  }
  const shape = `${output}.shape`;
  const reshaped = `${output}.reshaped`;
  draft.initializers.push(tensorToProto(i64Tensor(source.shape), shape));
  draft.nodes.push(
    { opType: "Reshape", name: reshaped, input: [source.tensor, shape], output: [reshaped] },
    {
      opType: "Transpose",
      name: output,
      input: [reshaped],
      output: [output],
      attribute: [{ name: "perm", type: 7, ints: [...source.permutation] }],
    },
  );
}

/**
 * A segment as a model of its own.
 *
 * @param live Inputs of the graph and tensors of earlier segments; those that the segment reads become its inputs.
 */
export function segmentModel(
  { model, segments }: TraceGraph,
  number: number,
  live: ReadonlyMap<string, HostTensor>,
): Uint8Array {
  const { nodes, initializers, instructions, reads, kept } = segments[number] as TraceSegment;
  const input = [...live].flatMap(([name, tensor]) => (reads.has(name) ? [valueInfo(name, tensor)] : []));
  const weights = (model.graph?.initializer ?? []).filter(({ name = "" }) => reads.has(name));
  return encodeModel({
    ...model,
    graph: {
      name: `segment ${number}`,
      node: [...nodes],
      initializer: [...weights, ...initializers],
      input,
      output: [...kept, ...instructions.map(traceName)].map((name) => ({ name })),
    },
  });
}

function valueInfo(name: string, { type, dims }: HostTensor): ValueInfoProto {
  const shape = { dim: dims.map((dimValue) => ({ dimValue })) };
  return { name, type: { tensorType: { elemType: ELEMENT_TYPES[type].code, shape } } };
}
