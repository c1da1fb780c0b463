import { type AttributeInput, attributeOf } from "../../onnx/build.ts";
import { withoutDeadNodes } from "../../onnx/deadNodes.ts";
import { freshName } from "../../onnx/freshName.ts";
import {
  type Graph,
  type GraphNode,
  intAttribute,
  intsAttribute,
  stringAttribute,
} from "../../onnx/graph.ts";
import type { HostTensor } from "../../onnx/tensor.ts";
import { blockedFilter, blockedList, type FilterLayout, paddedChannels } from "./blockedFilter.ts";

/** onnxruntime's ops on images in blocks. */
const BLOCKED = "com.microsoft.nchwc";

/** Ops that work element by element and give finite numbers for 0, which the channels that fill up the last block are. */
const POINTWISE = new Set("Abs Add Clip Floor Max Min Mul Relu Round Sub".split(" "));

/** ReorderInput takes multiples of it. */
const CHANNEL_UNIT = 4;

/**
 * The graph with its f32 convolutions of images, and what is elementwise between them, in onnxruntime's blocked layout [N, C / block, H, W, block]: the kernels of
 * that layout are the ones that onnxruntime's own optimiser chooses for float models, and up to five times as fast. An exact graph convolves whole
 * numbers whose sums f32 holds, so that every kernel that computes a convolution at all gives the same bytes.
 *
 * @param block channels in a block on this CPU (see `blockSize.ts`)
 * @param dimsOf dimensions of a value; undefined where they are not known
 */
export function blockedImages(
  graph: Graph,
  block: number,
  dimsOf: (name: string) => readonly number[] | undefined,
): Graph {
  return new BlockedImages(graph, block, dimsOf).build();
}

/**
 * The 4D f32 convolutions with constant filters and biases that have a blocked form. Only with a bias do both forms give +0 for a sum of zeros: without, it
 * depends on the kernel.
 */
export function blockableConvolution(node: GraphNode, { initializers }: Graph): boolean {
  if (node.op !== "Conv" || node.domain !== "" || !initializers.has(node.inputs[2] ?? "")) return false;
  const filter = initializers.get(node.inputs[1] ?? "");
  if (filter?.type !== "f32" || filter.dims.length !== 4) return false;
  if (stringAttribute(node, "auto_pad", "NOTSET") !== "NOTSET") return false;
  const [outputs = 1, perGroup = 1] = filter.dims;
  const group = intAttribute(node, "group", 1);
  return group === 1 || (group === outputs && perGroup === 1);
}

class BlockedImages {
  readonly #graph: Graph;
  readonly #block: number;
  readonly #dimsOf: (name: string) => readonly number[] | undefined;
  readonly #initializers: Map<string, HostTensor>;
  readonly #nodes: GraphNode[] = [];
  /** Values that exist in their own order. */
  readonly #own: Set<string>;
  /** Names of the blocked forms. */
  readonly #blocked = new Map<string, string>();
  /** Names of the channels-last forms: values of the graph that are transposed to or from it. */
  readonly #last = new Map<string, string>();
  /** Transposes to a value's own order that nobody needed yet. */
  readonly #pending = new Map<string, GraphNode>();
  readonly #readers: ReadonlyMap<string, readonly GraphNode[]>;
  readonly #outputs: ReadonlySet<string>;
  /** Nodes that are computed inside an earlier one. */
  readonly #done = new Set<GraphNode>();
  /** Blocked values that are never -0. */
  readonly #positiveZero = new Set<string>();
  readonly #taken: Set<string>;

  constructor(graph: Graph, block: number, dimsOf: (name: string) => readonly number[] | undefined) {
    this.#graph = graph;
    this.#block = block;
    this.#dimsOf = dimsOf;
    this.#initializers = new Map(graph.initializers);
    this.#own = new Set([...graph.inputs.map(({ name }) => name), ...graph.initializers.keys(), ""]);
    this.#outputs = new Set(graph.outputs.map(({ name }) => name));
    this.#taken = new Set([...this.#own, ...graph.nodes.flatMap(({ outputs }) => outputs)]);
    const readers = new Map<string, GraphNode[]>();
    for (const node of graph.nodes)
      for (const name of new Set(node.inputs)) readers.set(name, [...(readers.get(name) ?? []), node]);
    this.#readers = readers;
  }

  build(): Graph {
    for (const node of this.#graph.nodes) {
      if (this.#done.has(node)) continue;
      if (
        [this.#convolution, this.#transpose, this.#scale, this.#pool, this.#pointwise].some((take) =>
          take.call(this, node),
        )
      )
        continue;
      for (const name of node.inputs) this.#inOwnOrder(name);
      this.#nodes.push(node);
      for (const name of node.outputs) this.#own.add(name);
    }
    for (const name of this.#outputs) this.#inOwnOrder(name);
    return withoutDeadNodes({ ...this.#graph, nodes: this.#nodes, initializers: this.#initializers });
  }

  #convolution(node: GraphNode): boolean {
    const [input = "", filterName = "", biasName = ""] = node.inputs;
    const dims = this.#dimsOf(input);
    if (!blockableConvolution(node, this.#graph) || dims?.length !== 4) return false;
    const filter = this.#initializers.get(filterName) as HostTensor;
    const [, channels = 1, ...places] = dims;
    const isDepthwise = intAttribute(node, "group", 1) > 1;
    if (!this.#blocked.has(input) && places.every((size) => size === 1)) return false;
    let [image, layout]: [string | undefined, FilterLayout] = [
      undefined,
      isDepthwise ? "depthwise" : "blocked",
    ];
    if (!isDepthwise && channels < this.#block && !this.#blocked.has(input) && !this.#last.has(input)) {
      this.#inOwnOrder(input);
      [image, layout] = [input, "row-major"];
    } else {
      image = this.#inBlocks(input);
    }
    if (image === undefined) return false;
    const [outputs = 1] = filter.dims;
    const bias = this.#initializers.get(biasName) as HostTensor;
    const inputs = [
      image,
      this.#constant(filterName, blockedFilter(filter, this.#block, layout)),
      this.#constant(biasName, blockedList(bias, this.#block)),
    ];
    const attributes = new Map(node.attributes);
    if (isDepthwise) attributes.set("group", attributeOf(paddedChannels(outputs, this.#block)));
    const { output, activation } = this.#activation(node.outputs[0] ?? "");
    for (const [name, value] of activation) attributes.set(name, value);
    this.#push({ ...node, domain: BLOCKED, inputs, attributes }, output);
    this.#positiveZero.add(output);
    return true;
  }

  /** What a convolution does to its results itself, of the nodes that read them: Relu and Clip, which become one. */
  #activation(result: string): { output: string; activation: GraphNode["attributes"] } {
    const relu = this.#soleReader(result);
    const isRelu = relu?.op === "Relu" && relu.domain === "";
    const positive = isRelu ? (relu.outputs[0] as string) : result;
    if (isRelu) this.#done.add(relu);
    const clip = this.#soleReader(positive);
    const limits = [1, 2].map((at) => this.#number(clip?.inputs[at] ?? ""));
    const [low, high] = limits;
    if (
      clip?.op === "Clip" &&
      clip.domain === "" &&
      clip.inputs[0] === positive &&
      low !== undefined &&
      high !== undefined
    ) {
      this.#done.add(clip);
      const range = [isRelu ? Math.max(0, low) : low, high];
      const activation = new Map([
        ...attributes({ activation: "Clip" }),
        ["activation_params", { kind: "floats", value: range } as const],
      ]);
      return { output: clip.outputs[0] as string, activation };
    }
    return { output: positive, activation: attributes(isRelu ? { activation: "Relu" } : {}) };
  }

  #number(name: string): number | undefined {
    const constant = this.#initializers.get(name);
    return constant?.type === "f32" && constant.data.length === 1 ? (constant.data[0] as number) : undefined;
  }

  /** Mul by a number per channel, as a convolution of one place: f32(f32(x * s) + 0). */
  #scale(node: GraphNode): boolean {
    if (node.op !== "Mul" || node.domain !== "") return false;
    const [a = "", b = ""] = node.inputs;
    const [image, factors] = this.#initializers.has(b) ? [a, b] : [b, a];
    const input = this.#blocked.get(image);
    const scales = this.#initializers.get(factors);
    const [, channels = 1] = this.#dimsOf(image) ?? [];
    if (!input || scales?.type !== "f32" || !this.#positiveZero.has(image)) return false;
    if (scales.data.length !== channels || channels === 1 || scales.dims.at(-3) !== channels) return false;
    // 0 times a negative number is -0.
    if (!(scales.data as Float32Array).every((scale) => scale > 0 && Number.isFinite(scale))) return false;
    const filter = { ...scales, dims: [channels, 1, 1, 1] };
    const inputs = [input, this.#constant(factors, blockedFilter(filter, this.#block, "depthwise"))];
    const group = paddedChannels(channels, this.#block);
    const scaled = { ...node, op: "Conv", domain: BLOCKED, inputs };
    this.#push({ ...scaled, attributes: attributes({ group, kernel_shape: [1, 1] }) }, node.outputs[0] ?? "");
    this.#positiveZero.add(node.outputs[0] ?? "");
    return true;
  }

  /** MaxPool of what is in blocks already: largest elements do not depend on the order of channels. */
  #pool(node: GraphNode): boolean {
    const [input = ""] = node.inputs;
    const isPool = node.op === "MaxPool" && node.domain === "" && !node.outputs[1];
    if (!isPool || this.#blocked.get(input) === undefined || this.#dimsOf(input)?.length !== 4) return false;
    this.#push(
      { ...node, domain: BLOCKED, inputs: [this.#blocked.get(input) as string] },
      node.outputs[0] ?? "",
    );
    if (this.#positiveZero.has(input)) this.#positiveZero.add(node.outputs[0] ?? "");
    return true;
  }

  #pointwise(node: GraphNode): boolean {
    if (node.domain !== "" || !POINTWISE.has(node.op)) return false;
    const [output = ""] = node.outputs;
    if (!node.inputs.some((name) => this.#blocked.has(name))) return false;
    const dims = this.#dimsOf(output)?.join();
    const fits = node.inputs.every(
      (name) => this.#isNumber(name) || (this.#dimsOf(name)?.join() === dims && this.#canBlock(name)),
    );
    if (dims === undefined || !fits) return false;
    const inputs = node.inputs.map((name) =>
      this.#isNumber(name) ? name : (this.#inBlocks(name) as string),
    );
    this.#push({ ...node, inputs }, output);
    return true;
  }

  #transpose(node: GraphNode): boolean {
    if (node.op !== "Transpose" || node.domain !== "") return false;
    const [input = ""] = node.inputs;
    const [output = ""] = node.outputs;
    switch (intsAttribute(node, "perm")?.join()) {
      case "0,3,1,2":
        if (!this.#own.has(input)) return false;
        this.#last.set(output, input);
        this.#pending.set(output, node);
        return true;
      case "0,2,3,1": {
        const blocked = this.#blocked.get(input);
        if (blocked === undefined || this.#own.has(input)) return false;
        this.#reorderOutput(blocked, output, input, 1);
        this.#own.add(output);
        this.#last.set(input, output);
        return true;
      }
      default:
        return false;
    }
  }

  /** One number, or nothing. */
  #isNumber(name: string): boolean {
    const constant = this.#initializers.get(name);
    return name === "" || (constant?.data.length === 1 && constant.dims.length <= 1);
  }

  #canBlock(name: string): boolean {
    const dims = this.#dimsOf(name);
    return this.#blocked.has(name) || (dims?.length === 4 && (dims[1] as number) % CHANNEL_UNIT === 0);
  }

  /** The value in blocks, reordered if need be; undefined where that cannot be. */
  #inBlocks(name: string): string | undefined {
    const known = this.#blocked.get(name);
    if (known !== undefined || !this.#canBlock(name)) return known;
    const last = this.#own.has(name) ? undefined : this.#last.get(name);
    if (last === undefined) this.#inOwnOrder(name);
    const blocked = this.#fresh(`${name}.blocked`);
    this.#nodes.push({
      name: blocked,
      op: "ReorderInput",
      domain: BLOCKED,
      inputs: [last ?? name],
      outputs: [blocked],
      attributes: attributes(last === undefined ? {} : { channels_last: 1 }),
    });
    this.#blocked.set(name, blocked);
    return blocked;
  }

  #inOwnOrder(name: string): void {
    if (this.#own.has(name)) return;
    const blocked = this.#blocked.get(name);
    const pending = this.#pending.get(name);
    if (pending) this.#nodes.push(pending);
    else if (blocked !== undefined) this.#reorderOutput(blocked, name, name, 0);
    this.#own.add(name);
  }

  #reorderOutput(blocked: string, output: string, value: string, channelsLast: 0 | 1): void {
    const [, channels = 1] = this.#dimsOf(value) ?? [];
    this.#nodes.push({
      name: this.#fresh(`${output}.reordered`),
      op: "ReorderOutput",
      domain: BLOCKED,
      inputs: [blocked],
      outputs: [output],
      attributes: attributes({ channels, channels_last: channelsLast }),
    });
  }

  /** Adds a node whose only output is the blocked form of `output`. */
  #push(node: GraphNode, output: string): void {
    const name = this.#fresh(`${output}.blocked`);
    this.#nodes.push({ ...node, outputs: [name] });
    this.#blocked.set(output, name);
  }

  #soleReader(name: string): GraphNode | undefined {
    const readers = this.#readers.get(name) ?? [];
    return readers.length === 1 && !this.#outputs.has(name) ? readers[0] : undefined;
  }

  #constant(base: string, tensor: HostTensor): string {
    const name = this.#fresh(`${base}.blocked`);
    this.#initializers.set(name, tensor);
    return name;
  }

  #fresh(base: string): string {
    return freshName(this.#taken, base);
  }
}

function attributes(values: Readonly<Record<string, AttributeInput>>): GraphNode["attributes"] {
  return new Map(Object.entries(values).map(([name, value]) => [name, attributeOf(value)]));
}
