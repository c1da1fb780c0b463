import { freshName } from "../../onnx/freshName.ts";
import { type Graph, type GraphNode, intAttribute, qualifiedOp } from "../../onnx/graph.ts";
import { ELEMENT_TYPES, type HostTensor, type TensorData } from "../../onnx/tensor.ts";
import { type ConvolutionLayer, columnsOf, integerLayer, isDepthwise } from "./integerLayer.ts";
import { type Arrangement, areNeighboursHarmless, arrange, type Column } from "./pairing.ts";

const CONVOLUTIONS = new Set(["QLinearConv", "com.microsoft.QLinearConv"]);
const POOLS = new Set(["MaxPool", "com.microsoft.NhwcMaxPool"]);

/** Inputs of QLinearConv that have one value a channel, or one for all: scales and zero points of weights, biases. */
const PER_CHANNEL = [4, 5, 8];

/**
 * So much may a layer grow: u8 x u8 takes as long as u8 x i8 with 1.3 times the channels and 20 more (measured on AVX2 for images of 7x7 to 112x112), and the
 * layers before it grow too.
 */
const largestGrowth = (channels: number) => 1.15 * channels + 10;

/**
 * The same function with the channels between two convolutions, and depthwise ones or pools between them, in an order in which the last one's neighbouring weights
 * are harmless together (`pairing.ts`), where that takes few channels more. Nothing is computed to reorder anything: the first convolution has its output
 * channels in that order.
 *
 * @param isWanted of the last convolution
 */
export function arrangeChannels(graph: Graph, isWanted: (node: GraphNode) => boolean): Graph {
  const initializers = new Map(graph.initializers);
  const nodes = [...graph.nodes];
  const place = new Map(
    nodes.flatMap((node, at) => node.outputs.map((name): [string, number] => [name, at])),
  );
  const readers = Map.groupBy(
    nodes.flatMap((node, at) => node.inputs.map((name) => ({ name, at }))),
    ({ name }) => name,
  );
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const taken = new Set([...initializers.keys(), ...place.keys(), ...graph.inputs.map(({ name }) => name)]);
  const constant = (base: string, tensor: HostTensor) => {
    const name = freshName(taken, `${base}.arranged`);
    initializers.set(name, tensor);
    return name;
  };

  /** Nodes from the convolution that makes the channels to the last one before the reader; undefined where anything else sees them. */
  const chainBefore = (reader: GraphNode): number[] | undefined => {
    const [name = ""] = reader.inputs;
    const at = place.get(name);
    if (at === undefined || outputs.has(name) || readers.get(name)?.length !== 1) return undefined;
    const node = nodes[at] as GraphNode;
    const isKept = POOLS.has(qualifiedOp(node)) ? !node.outputs[1] : CONVOLUTIONS.has(qualifiedOp(node));
    if (!isKept) return undefined;
    if (CONVOLUTIONS.has(qualifiedOp(node))) {
      const layer = integerLayer(node, { ...graph, initializers });
      if (layer?.kind !== "convolution") return undefined;
      if (layer.group === 1) return [at];
      if (!isDepthwise(layer) || layer.group !== layer.weight.dims[0]) return undefined;
    }
    const before = chainBefore(node);
    return before && [...before, at];
  };

  /** The node with its output channels, and its input channels if it is depthwise, taken from these. */
  const withChannels = (node: GraphNode, channels: readonly number[]): GraphNode => {
    if (!CONVOLUTIONS.has(qualifiedOp(node))) return node;
    const inputs = [...node.inputs];
    for (const at of [3, ...PER_CHANNEL]) {
      const tensor = initializers.get(inputs[at] ?? "");
      if (!tensor || (at !== 3 && tensor.data.length === 1)) continue;
      inputs[at] = constant(inputs[at] as string, takeRows(tensor, channels));
    }
    const attributes = new Map(node.attributes);
    if (intAttribute(node, "group", 1) > 1) attributes.set("group", { kind: "int", value: channels.length });
    return { ...node, inputs, attributes };
  };

  for (const [at, node] of graph.nodes.entries()) {
    const reader = nodes[at] as GraphNode;
    const layer = isWanted(node) ? integerLayer(reader, { ...graph, initializers }) : undefined;
    if (layer?.kind !== "convolution" || layer.group !== 1) continue;
    const chain = chainBefore(reader);
    const columns = chain && columnsOf(layer);
    if (!chain || !columns || areNeighboursHarmless(columns)) continue;
    const arrangement = evened(layer, arrange(columns));
    if (arrangement.channels.length > largestGrowth(columns.length)) continue;
    for (const link of chain) nodes[link] = withChannels(nodes[link] as GraphNode, arrangement.channels);
    const inputs = [...reader.inputs];
    inputs[3] = constant(inputs[3] as string, weightOf(layer, arrangement.columns));
    nodes[at] = { ...reader, inputs };
  }
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  for (const name of initializers.keys())
    if (!used.has(name) && !outputs.has(name)) initializers.delete(name);
  return { ...graph, nodes, initializers };
}

/** With an even number of columns where the window has several places: pairs must not reach from one into the next. */
function evened({ weight }: ConvolutionLayer, { channels, columns }: Arrangement): Arrangement {
  const [last] = channels.slice(-1);
  const isLarge = weight.dims.slice(2).some((size) => size > 1);
  if (last === undefined || !isLarge || channels.length % 2 === 0) return { channels, columns };
  return {
    channels: [...channels, last],
    columns: [...columns, new Int8Array(columns[0]?.length ?? 0)],
  };
}

/** Weights from their columns. */
function weightOf({ weight }: ConvolutionLayer, columns: readonly Column[]): HostTensor {
  const [outputs = 1, , ...window] = weight.dims;
  const places = window.reduce((product, size) => product * size, 1);
  const data = new Int8Array(outputs * columns.length * places);
  for (const [c, column] of columns.entries()) {
    for (let n = 0; n < outputs; n++) {
      const start = (n * columns.length + c) * places;
      for (let place = 0; place < places; place++) {
        data[start + place] = column[place * outputs + n] as number;
      }
    }
  }
  return { type: "i8", dims: [outputs, columns.length, ...window], data };
}

/** Slices of the first dimension, in any order and number. */
function takeRows(tensor: HostTensor, rows: readonly number[]): HostTensor {
  const [count = 1, ...rest] = tensor.dims;
  const size = tensor.data.length / count;
  const data = new ELEMENT_TYPES[tensor.type].array(rows.length * size) as TensorData;
  for (const [at, row] of rows.entries()) {
    data.set(tensor.data.subarray(row * size, (row + 1) * size) as never, at * size);
  }
  return { ...tensor, dims: [rows.length, ...rest], data };
}
