import { type AttributeInput, attributeOf } from "../../onnx/build.ts";
import { freshName } from "../../onnx/freshName.ts";
import {
  type Graph,
  type GraphNode,
  intAttribute,
  intsAttribute,
  qualifiedOp,
  stringAttribute,
} from "../../onnx/graph.ts";
import { ELEMENT_TYPES, type HostTensor, i64Tensor, type TensorData } from "../../onnx/tensor.ts";
import type { ValueType } from "../prepare/rewrite.ts";
import type { TraceSource } from "../programBuilder.ts";
import { product, rowMajorStrides } from "../view.ts";

/** onnxruntime's own domain, whose convolutions read images with the channels innermost. */
const MICROSOFT = "com.microsoft";

/** Ops that treat every element alike, whatever its place. */
const POINTWISE = new Set(
  [
    "Abs Add And BitShift Cast Ceil Clip Div Equal Floor Greater GreaterOrEqual Identity Less LessOrEqual Max Min Mul Neg Not Or Relu Round Sqrt Sub",
    "Where QuantizeLinear DequantizeLinear",
  ].flatMap((line) => line.split(" ")),
);

/**
 * Rewrites an exact graph so that images stay channels-last between convolutions: [N, spatial..., C] instead of [N, C, spatial...]. onnxruntime
 * convolves integers in that order, and would otherwise transpose before and after each. Only the places of elements change, no value.
 *
 * @param types of every value
 * @param traced values that a trace reads
 * @returns the graph, and for each value that is now kept channels-last the name it has there
 */
export function channelsLast(
  graph: Graph,
  types: ReadonlyMap<string, ValueType>,
  traced: ReadonlySet<string> = new Set(),
): { graph: Graph; moved: ReadonlyMap<string, string> } {
  const pass = new Pass(graph, types, traced);
  for (const node of graph.nodes) pass.visit(node);
  return pass.finish();
}

/** Where an instruction's tensor is found once the value it named is kept channels-last; `dims` are the value's own. */
export function movedSource(source: TraceSource, tensor: string, dims: readonly number[]): TraceSource {
  const groups = axesPerDimension(source.shape, dims);
  const order = lastOrder(dims.length).flatMap((dimension) => groups[dimension] ?? []);
  return {
    tensor,
    shape: order.map((axis) => source.shape[axis] as number),
    permutation: source.permutation.map((axis) => order.indexOf(axis)),
  };
}

/** The axes of a finer shape that make up each dimension. Axes of size 1 go anywhere. */
function axesPerDimension(shape: readonly number[], dims: readonly number[]): number[][] {
  const groups: number[][] = dims.map(() => []);
  let dimension = 0;
  let left = dims[0] ?? 1;
  for (const [axis, size] of shape.entries()) {
    while (left === 1 && size > 1 && dimension + 1 < dims.length) left = dims[++dimension] as number;
    groups[dimension]?.push(axis);
    left /= size;
  }
  return groups;
}

/** [0, 2, 3, 1] for rank 4. */
function lastOrder(rank: number): number[] {
  return [0, ...Array.from({ length: rank - 2 }, (_, k) => k + 2), 1];
}

/** [0, 3, 1, 2] for rank 4. */
function firstOrder(rank: number): number[] {
  return [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, k) => k + 1)];
}

/** A value that is so far only an arrangement of an image's channels-last form. */
interface Cut {
  /** What makes it, from the image in its own order. */
  readonly nodes: readonly GraphNode[];
  /** The image, channels-last, and the shape to see it in. */
  readonly last: string;
  readonly shape: readonly number[];
  /** Where each of the value's dimensions is in that shape. */
  readonly order: readonly number[];
}

class Pass {
  readonly #graph: Graph;
  readonly #types: ReadonlyMap<string, ValueType>;
  readonly #nodes: GraphNode[] = [];
  readonly #initializers: Map<string, HostTensor>;
  /** Channels-last names of values. */
  readonly #last = new Map<string, string>();
  /** Values that exist in their own order. */
  readonly #own: Set<string>;
  readonly #taken: Set<string>;
  readonly #traced: ReadonlySet<string>;
  /** Images with their channels cut into several dimensions, and transpositions of those: made only where something else than a shuffle reads them. */
  readonly #cut = new Map<string, Cut>();

  constructor(graph: Graph, types: ReadonlyMap<string, ValueType>, traced: ReadonlySet<string>) {
    this.#graph = graph;
    this.#traced = traced;
    this.#types = types;
    this.#initializers = new Map(graph.initializers);
    this.#own = new Set([...graph.inputs.map(({ name }) => name), ...graph.initializers.keys()]);
    this.#taken = new Set([...this.#own, ...graph.nodes.flatMap((node) => node.outputs)]);
  }

  visit(node: GraphNode): void {
    const handled =
      this.#convolution(node) ||
      this.#maxPool(node) ||
      this.#pointwise(node) ||
      this.#alongAxes(node) ||
      this.#cutChannels(node) ||
      this.#shuffle(node) ||
      this.#transpose(node);
    if (handled) return;
    for (const input of node.inputs) if (input !== "") this.#inOwnOrder(input);
    this.#nodes.push(node);
    for (const output of node.outputs) this.#own.add(output);
  }

  finish(): { graph: Graph; moved: ReadonlyMap<string, string> } {
    for (const { name } of this.#graph.outputs) this.#inOwnOrder(name);
    const moved = new Map([...this.#last].filter(([name]) => !this.#own.has(name)));
    const used = new Set(this.#nodes.flatMap((node) => node.inputs));
    const initializers = new Map([...this.#initializers].filter(([name]) => used.has(name)));
    return { graph: { ...this.#graph, nodes: this.#nodes, initializers }, moved };
  }

  #convolution(node: GraphNode): boolean {
    const [input = "", ...rest] = node.inputs;
    const [output = ""] = node.outputs;
    if (qualifiedOp(node) !== "QLinearConv" || !this.#isImage(input)) return false;
    const attributes = new Map(node.attributes).set("channels_last", { kind: "int", value: 1 });
    this.#push(
      { ...node, domain: MICROSOFT, inputs: [this.#channelsLast(input), ...rest], attributes },
      output,
    );
    return true;
  }

  #maxPool(node: GraphNode): boolean {
    const [input = ""] = node.inputs;
    const isByte = ["u8", "i8"].includes(this.#types.get(input)?.type ?? "");
    if (
      qualifiedOp(node) !== "MaxPool" ||
      node.outputs[1] ||
      !isByte ||
      !this.#last.has(input) ||
      this.#rank(input) !== 4
    )
      return false;
    this.#push(
      { ...node, op: "NhwcMaxPool", domain: MICROSOFT, inputs: [this.#channelsLast(input)] },
      node.outputs[0] ?? "",
    );
    return true;
  }

  #pointwise(node: GraphNode): boolean {
    const [output = ""] = node.outputs;
    if (node.domain !== "" || !POINTWISE.has(node.op) || !this.#isImage(output)) return false;
    // Scales per channel go by an axis instead of broadcasting.
    const isPerAxis =
      ["QuantizeLinear", "DequantizeLinear"].includes(node.op) && this.#count(node.inputs[1] ?? "") > 1;
    if (isPerAxis) return false;
    if (!node.inputs.some((name) => this.#last.has(name) && !this.#own.has(name))) return false;
    // onnxruntime goes one by one where the innermost dimension of broadcast tensors is 1: twenty times as slow.
    const [, channels = 1, ...spatial] = this.#dims(output);
    if (channels === 1 && product(spatial) > 1) return false;
    const rank = this.#rank(output);
    const inputs = node.inputs.map((name) => (name === "" ? "" : this.#broadcastable(name, rank)));
    if (inputs.includes(undefined)) return false;
    this.#push({ ...node, inputs: inputs as string[] }, output);
    return true;
  }

  /** Ops along named axes: the axes are renumbered. */
  #alongAxes(node: GraphNode): boolean {
    const [input = "", second = ""] = node.inputs;
    const [output = ""] = node.outputs;
    if (node.domain !== "" || !this.#last.has(input) || this.#own.has(input)) return false;
    const rank = this.#rank(input);
    if (this.#rank(output) !== rank) return false;
    const place = (axis: number) => lastOrder(rank).indexOf(axis < 0 ? axis + rank : axis);
    switch (node.op) {
      case "Concat": {
        if (!node.inputs.every((name) => this.#isImage(name))) return false;
        const inputs = node.inputs.map((name) => this.#channelsLast(name));
        this.#push(
          { ...node, inputs, attributes: attributes({ axis: place(intAttribute(node, "axis", 0)) }) },
          output,
        );
        return true;
      }
      case "Slice": {
        const [, starts = "", ends = "", axes = "", steps = ""] = node.inputs;
        const list = this.#integers(axes);
        if (!list) return false;
        const renumbered = this.#constant("axes", i64Tensor(list.map(place)));
        this.#push(
          {
            ...node,
            inputs: [this.#channelsLast(input), starts, ends, renumbered, ...(steps ? [steps] : [])],
          },
          output,
        );
        return true;
      }
      case "Pad": {
        const pads = this.#integers(second);
        if (!pads || pads.length !== 2 * rank || node.inputs[3]) return false;
        const order = lastOrder(rank);
        const moved = [
          ...order.map((axis) => pads[axis] as number),
          ...order.map((axis) => pads[rank + axis] as number),
        ];
        const inputs = [
          this.#channelsLast(input),
          this.#constant("pads", i64Tensor(moved)),
          ...node.inputs.slice(2),
        ];
        this.#push({ ...node, inputs }, output);
        return true;
      }
      case "Resize": {
        const [, region = "", scales = "", sizes = ""] = node.inputs;
        const factors = this.#initializers.get(sizes || scales);
        const isPlain =
          stringAttribute(node, "mode", "nearest") === "nearest" && !region && !node.attributes.has("axes");
        if (!isPlain || factors?.data.length !== rank) return false;
        const moved = this.#constant(sizes || scales, reordered(factors, lastOrder(rank)));
        this.#push(
          {
            ...node,
            inputs: [this.#channelsLast(input), "", ...(sizes ? ["", moved] : [moved])],
          },
          output,
        );
        return true;
      }
      case "ReduceMax":
      case "ReduceMin":
      case "ReduceSum": {
        const axes = this.#integers(second);
        if (!axes || axes.length === 0 || intAttribute(node, "keepdims", 1) !== 1) return false;
        const inputs = [this.#channelsLast(input), this.#constant("axes", i64Tensor(axes.map(place)))];
        this.#push({ ...node, inputs }, output);
        return true;
      }
      default:
        return false;
    }
  }

  /** A Reshape that only cuts the channels of an image, [N, C, ...] to [N, c1, c2, ...]: the first part of a shuffle. */
  #cutChannels(node: GraphNode): boolean {
    const [input = ""] = node.inputs;
    const [output = ""] = node.outputs;
    const last = this.#last.get(input);
    if (qualifiedOp(node) !== "Reshape" || last === undefined || this.#own.has(input)) return false;
    if (this.#traced.has(output)) return false;
    const [batch = 1, channels = 1, ...spatial] = this.#dims(input);
    const dims = this.#dims(output);
    const parts = dims.slice(1, dims.length - spatial.length);
    const cutsChannels =
      parts.length > 1 &&
      dims[0] === batch &&
      product(parts) === channels &&
      spatial.every((size, k) => dims[1 + parts.length + k] === size);
    if (!cutsChannels) return false;
    const order = dims.map((_, axis) => {
      if (axis === 0) return 0;
      return axis <= parts.length ? spatial.length + axis : axis - parts.length;
    });
    this.#cut.set(output, { nodes: [node], last, shape: [batch, ...spatial, ...parts], order });
    return true;
  }

  /** The rest of a shuffle, Transpose and Reshape to an image: [N, C * 4, H, W] to [N, C, 2H, 2W]. It is done in one go, channels-last. */
  #shuffle(node: GraphNode): boolean {
    const [input = ""] = node.inputs;
    const [output = ""] = node.outputs;
    const cut = this.#cut.get(input);
    if (cut === undefined || this.#own.has(input)) return false;
    if (qualifiedOp(node) === "Transpose" && cut.nodes.length === 1 && !this.#traced.has(output)) {
      const perm = intsAttribute(node, "perm") ?? cut.order.map((_, k) => cut.order.length - 1 - k);
      const order = perm.map((axis) => cut.order[axis] as number);
      this.#cut.set(output, { ...cut, nodes: [...cut.nodes, node], order });
      return true;
    }
    const dims = this.#dims(output);
    if (qualifiedOp(node) !== "Reshape" || cut.nodes.length !== 2 || dims.length !== 4) return false;
    const sizes = cut.order.map((axis) => cut.shape[axis] as number);
    const groups = axesPerDimension(sizes, dims);
    const joins = groups.every((axes, k) => product(axes.map((axis) => sizes[axis] as number)) === dims[k]);
    if (!joins) return false;
    const perm = lastOrder(4).flatMap((dimension) => groups[dimension] ?? []);
    const parts = this.#reshaped(cut.last, `${output}/parts`, cut.shape);
    const shuffled = this.#fresh(`${output}/shuffled`);
    this.#nodes.push({
      name: shuffled,
      op: "Transpose",
      domain: "",
      inputs: [parts],
      outputs: [shuffled],
      attributes: attributes({ perm: perm.map((axis) => cut.order[axis] as number) }),
    });
    const order = lastOrder(4).map((axis) => dims[axis] as number);
    this.#last.set(output, this.#reshaped(shuffled, `${output}/last`, order));
    return true;
  }

  #reshaped(input: string, base: string, dims: readonly number[]): string {
    const name = this.#fresh(base);
    const shape = this.#constant("shape", i64Tensor(dims));
    this.#nodes.push({
      name: `${name}/reshape`,
      op: "Reshape",
      domain: "",
      inputs: [input, shape],
      outputs: [name],
      attributes: new Map(),
    });
    return name;
  }

  /** A Transpose of a value that is kept channels-last reads it from there. */
  #transpose(node: GraphNode): boolean {
    const [input = ""] = node.inputs;
    const [output = ""] = node.outputs;
    if (qualifiedOp(node) !== "Transpose" || !this.#last.has(input) || this.#own.has(input)) return false;
    const rank = this.#rank(input);
    const permutation = intsAttribute(node, "perm") ?? Array.from({ length: rank }, (_, k) => rank - 1 - k);
    const perm = permutation.map((axis) => lastOrder(rank).indexOf(axis));
    const isIdentity = perm.every((axis, k) => axis === k);
    this.#nodes.push({
      ...node,
      op: isIdentity ? "Identity" : "Transpose",
      inputs: [this.#channelsLast(input)],
      attributes: isIdentity ? new Map() : attributes({ perm }),
    });
    this.#own.add(output);
    return true;
  }

  /** Adds a node whose only output is the channels-last form of `output`. */
  #push(node: GraphNode, output: string): void {
    const name = this.#fresh(`${output}/last`);
    this.#nodes.push({ ...node, outputs: [name] });
    this.#last.set(output, name);
  }

  /** The value in its own order, transposed back if need be. */
  #inOwnOrder(name: string): string {
    if (this.#own.has(name)) return name;
    for (const node of this.#cut.get(name)?.nodes ?? []) {
      if (this.#own.has(node.outputs[0] ?? "")) continue;
      this.#inOwnOrder(node.inputs[0] ?? "");
      this.#nodes.push(node);
      for (const output of node.outputs) this.#own.add(output);
    }
    const last = this.#last.get(name);
    if (last === undefined || this.#own.has(name)) return name;
    this.#move(last, name, name, firstOrder(this.#rank(name)), this.#dims(name));
    this.#own.add(name);
    return name;
  }

  #channelsLast(name: string): string {
    const known = this.#last.get(name);
    if (known !== undefined) return known;
    const last = this.#fresh(`${name}/last`);
    const order = lastOrder(this.#rank(name));
    const constant = this.#initializers.get(name);
    if (constant) this.#initializers.set(last, transposeTensor(constant, order));
    else
      this.#move(
        name,
        last,
        name,
        order,
        order.map((axis) => this.#dims(name)[axis] as number),
      );
    this.#last.set(name, last);
    return last;
  }

  /** Transpose; Reshape where at most one of channels and place has more than one value, so that memory stays as it is. */
  #move(from: string, to: string, value: string, perm: readonly number[], dims: readonly number[]): void {
    const [, channels = 1, ...spatial] = this.#dims(value);
    const staysInPlace = channels === 1 || product(spatial) === 1;
    this.#nodes.push(
      staysInPlace
        ? {
            name: `${to}/reshape`,
            op: "Reshape",
            domain: "",
            inputs: [from, this.#constant("shape", i64Tensor(dims))],
            outputs: [to],
            attributes: new Map(),
          }
        : {
            name: `${to}/transpose`,
            op: "Transpose",
            domain: "",
            inputs: [from],
            outputs: [to],
            attributes: attributes({ perm }),
          },
    );
  }

  /** A name under which the value broadcasts against channels-last images of this rank; undefined where it takes more than a transposition. */
  #broadcastable(name: string, rank: number): string | undefined {
    if (this.#count(name) === 1 && this.#rank(name) <= 1) return name;
    if (this.#rank(name) === rank) return this.#channelsLast(name);
    const constant = this.#initializers.get(name);
    if (!constant || constant.dims.length > rank) return undefined;
    const dims = [...new Array<number>(rank - constant.dims.length).fill(1), ...constant.dims];
    return this.#constant(name, transposeTensor({ ...constant, dims }, lastOrder(rank)));
  }

  #constant(base: string, tensor: HostTensor): string {
    const name = this.#fresh(`${base}/last`);
    this.#initializers.set(name, tensor);
    return name;
  }

  #fresh(base: string): string {
    return freshName(this.#taken, base);
  }

  #dims(name: string): readonly number[] {
    return this.#initializers.get(name)?.dims ?? this.#types.get(name)?.dims ?? [];
  }

  #rank(name: string): number {
    return this.#dims(name).length;
  }

  #count(name: string): number {
    return product(this.#dims(name));
  }

  #isImage(name: string): boolean {
    return this.#rank(name) === 3 || this.#rank(name) === 4;
  }

  #integers(name: string): number[] | undefined {
    const tensor = this.#initializers.get(name);
    return tensor ? Array.from(tensor.data as Iterable<number | bigint>, Number) : undefined;
  }
}

function attributes(values: Readonly<Record<string, AttributeInput>>): GraphNode["attributes"] {
  return new Map(Object.entries(values).map(([name, value]) => [name, attributeOf(value)]));
}

/** A list with its items in another order. */
function reordered(list: HostTensor, order: readonly number[]): HostTensor {
  const data = list.data.slice() as TensorData;
  for (const [to, from] of order.entries()) data[to] = list.data[from] as never;
  return { ...list, data };
}

function transposeTensor(tensor: HostTensor, order: readonly number[]): HostTensor {
  const dims = order.map((axis) => tensor.dims[axis] as number);
  const from = rowMajorStrides(tensor.dims);
  const to = rowMajorStrides(dims);
  const data = new ELEMENT_TYPES[tensor.type].array(tensor.data.length) as TensorData;
  for (let at = 0; at < data.length; at++) {
    let source = 0;
    for (const [k, axis] of order.entries()) {
      source += (Math.floor(at / (to[k] as number)) % (dims[k] as number)) * (from[axis] as number);
    }
    data[at] = tensor.data[source] as never;
  }
  return { ...tensor, dims, data };
}
