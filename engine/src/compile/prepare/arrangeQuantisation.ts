import { type AttributeInput, attributeOf } from "../../onnx/build.ts";
import { freshName } from "../../onnx/freshName.ts";
import type { Graph, GraphNode } from "../../onnx/graph.ts";
import type { HostTensor, TensorData } from "../../onnx/tensor.ts";
import { roundTiesToEven } from "../quantisation.ts";

/** Added to int8 values to carry them as uint8. */
const SHIFT = 128;
const LOWEST = { u8: 0, i8: -128 } as const;

/** One scale and one zero point for all, both constants. */
interface Parameters {
  readonly scale: number;
  readonly zero: number;
  readonly type: "u8" | "i8";
}

/**
 * Writes the quantisation of a model in one form, without changing what it computes:
 *
 * - Relu and Clip in front of a QuantizeLinear limit its integers instead, for rounding is monotonic. Limits that the integers have anyhow
 *   vanish, so that a convolution writes them at once.
 * - int8 activations are carried as uint8 with a zero point 128 higher, and made int8 only for those who read the integers themselves.
 */
export function arrangeQuantisation(graph: Graph): Graph {
  return carryAsUint8(limitIntegers(graph));
}

/** Adds nodes and constants under names that are still free. */
class Additions {
  readonly initializers: Map<string, HostTensor>;
  readonly #taken: Set<string>;

  constructor(graph: Graph) {
    this.initializers = new Map(graph.initializers);
    this.#taken = new Set([
      ...graph.inputs.map((input) => input.name),
      ...graph.initializers.keys(),
      ...graph.nodes.flatMap((node) => node.outputs),
    ]);
  }

  name(base: string): string {
    return freshName(this.#taken, base);
  }

  scalar(base: string, type: "u8" | "i8" | "i32", value: number): string {
    const name = this.name(base);
    const arrays = { u8: Uint8Array, i8: Int8Array, i32: Int32Array };
    this.initializers.set(name, { type, dims: [], data: arrays[type].of(value) as TensorData });
    return name;
  }
}

function nodeOf(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, AttributeInput>> = {},
): GraphNode {
  const entries = Object.entries(attributes).map(([key, value]) => [key, attributeOf(value)] as const);
  return { name: `${output}/${op}`, op, domain: "", inputs, outputs: [output], attributes: new Map(entries) };
}

/** The parameters of a QuantizeLinear or DequantizeLinear, where they are constants and one for all. */
export function parametersOf(node: GraphNode, graph: Graph): Parameters | undefined {
  const scale = graph.initializers.get(node.inputs[1] ?? "");
  const zero = graph.initializers.get(node.inputs[2] ?? "");
  if (scale?.type !== "f32" || scale.data.length !== 1) return undefined;
  const [value] = scale.data as unknown as [number];
  if (!(value > 0 && Number.isFinite(value))) return undefined;
  if (!node.inputs[2])
    return node.attributes.has("output_dtype") ? undefined : { scale: value, zero: 0, type: "u8" };
  if (zero?.data.length !== 1 || (zero.type !== "u8" && zero.type !== "i8")) return undefined;
  return { scale: value, zero: zero.data[0] as number, type: zero.type };
}

const isStandard = (node: GraphNode | undefined, op: string) => node?.domain === "" && node.op === op;

function limitIntegers(graph: Graph): Graph {
  const additions = new Additions(graph);
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const readOtherwise = new Set(
    graph.nodes
      .filter((node) => !isStandard(node, "QuantizeLinear") && limitsOf(node, graph) === undefined)
      .flatMap((node) => node.inputs),
  );
  const isQuantisedOnly = (name: string) => !outputs.has(name) && !readOtherwise.has(name);

  const nodes = graph.nodes.flatMap((node): GraphNode[] => {
    const parameters = isStandard(node, "QuantizeLinear") ? parametersOf(node, graph) : undefined;
    if (!parameters) return [node];
    const lowest = LOWEST[parameters.type];
    let [low, high]: [number, number] = [lowest, lowest + 255];
    let source = node.inputs[0] ?? "";
    for (;;) {
      const limits = isQuantisedOnly(source) ? limitsOf(producers.get(source), graph) : undefined;
      if (!limits) break;
      // An outer limit is applied after an inner one.
      const own = [limits.low, limits.high].map((value) => quantise(value, parameters)) as [number, number];
      [low, high] = [Math.min(Math.max(own[0], low), high), Math.min(Math.max(own[1], low), high)];
      source = producers.get(source)?.inputs[0] ?? "";
    }
    if (source === node.inputs[0]) return [node];
    const output = node.outputs[0] ?? "";
    const [, ...rest] = node.inputs;
    const quantiser = { ...node, inputs: [source, ...rest] };
    if (low === lowest && high === lowest + 255) return [quantiser];
    const wide = additions.name(`${output}/unlimited`);
    const bounds = [low, high].map((value) => additions.scalar(`${output}/limit`, parameters.type, value));
    return [{ ...quantiser, outputs: [wide] }, nodeOf("Clip", [wide, ...bounds], output)];
  });
  return { ...graph, nodes, initializers: additions.initializers };
}

/** The limits a Relu or a Clip by constants sets; undefined for other nodes. */
function limitsOf(node: GraphNode | undefined, graph: Graph): { low: number; high: number } | undefined {
  if (isStandard(node, "Relu")) return { low: 0, high: Number.POSITIVE_INFINITY };
  if (!node || !isStandard(node, "Clip")) return undefined;
  const bound = (name: string | undefined, open: number) => {
    if (!name) return open;
    const tensor = graph.initializers.get(name);
    return tensor?.type === "f32" && tensor.data.length === 1 ? (tensor.data[0] as number) : Number.NaN;
  };
  const low = bound(node.inputs[1], Number.NEGATIVE_INFINITY);
  const high = bound(node.inputs[2], Number.POSITIVE_INFINITY);
  return low <= high ? { low, high } : undefined;
}

/** QuantizeLinear of one number. */
function quantise(value: number, { scale, zero, type }: Parameters): number {
  const scaled = Math.fround(value / scale);
  return roundTiesToEven(Math.min(Math.max(scaled, LOWEST[type] - zero), LOWEST[type] + 255 - zero)) + zero;
}

/** Ops that move whole elements of their first input, whatever these are. */
const MOVES = new Set("Reshape Transpose Squeeze Unsqueeze Flatten Identity Slice Expand Gather".split(" "));

function carryAsUint8(graph: Graph): Graph {
  const additions = new Additions(graph);
  /** From int8 values to the uint8 values that carry them. */
  const carried = new Map<string, string>();
  const asInt8 = (from: string, to: string): GraphNode[] => {
    const [wide, centred] = [additions.name(`${to}/wide`), additions.name(`${to}/centred`)];
    return [
      nodeOf("Cast", [from], wide, { to: 6 }),
      nodeOf("Sub", [wide, additions.scalar(`${to}/shift`, "i32", SHIFT)], centred),
      nodeOf("Cast", [centred], to, { to: 3 }),
    ];
  };
  const nodes = graph.nodes.flatMap((node): GraphNode[] => {
    const [first = "", scale = ""] = node.inputs;
    const output = node.outputs[0] ?? "";
    const u8 = () => additions.name(`${output}/u8`);
    /** The node on uint8, and its int8 result for those who read that. */
    const both = (inputs: readonly string[]): GraphNode[] => {
      const name = u8();
      carried.set(output, name);
      return [{ ...node, inputs, outputs: [name] }, ...asInt8(name, output)];
    };
    if (isStandard(node, "QuantizeLinear")) {
      const parameters = parametersOf(node, graph);
      if (parameters?.type !== "i8") return [node];
      return both([first, scale, additions.scalar(`${output}/zero`, "u8", parameters.zero + SHIFT)]);
    }
    const source = carried.get(first);
    if (source === undefined || node.domain !== "") return [node];
    if (node.op === "DequantizeLinear") {
      const parameters = parametersOf(node, graph);
      const zero = !node.inputs[2] ? 0 : parameters?.zero;
      if (zero === undefined || graph.initializers.get(scale)?.data.length !== 1) return [node];
      return [{ ...node, inputs: [source, scale, additions.scalar(`${output}/zero`, "u8", zero + SHIFT)] }];
    }
    if (node.op === "Clip") {
      const bounds = node.inputs.slice(1).map((name) => graph.initializers.get(name)?.data[0] as number);
      if (bounds.length !== 2 || bounds.some((bound) => bound === undefined)) return [node];
      return both([
        source,
        ...bounds.map((bound) => additions.scalar(`${output}/limit`, "u8", bound + SHIFT)),
      ]);
    }
    if (node.op === "Concat") {
      const sources = node.inputs.map((name) => carried.get(name));
      return sources.every((name) => name !== undefined) ? both(sources as string[]) : [node];
    }
    const isMove = MOVES.has(node.op) && node.outputs.length === 1;
    return isMove ? both([source, ...node.inputs.slice(1)]) : [node];
  });
  return { ...graph, nodes, initializers: additions.initializers };
}
