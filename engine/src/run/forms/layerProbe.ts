import { encodeGraph } from "../../onnx/encodeGraph.ts";
import { type Graph, type GraphNode, intAttribute, intsAttribute } from "../../onnx/graph.ts";
import type { ElementType, HostTensor } from "../../onnx/tensor.ts";
import type { ConvolutionLayer, IntegerLayer, ProductLayer } from "./integerLayer.ts";

/**
 * A layer's own kernel run on the inputs on which it saturates if there are any.
 *
 * A kernel of u8 x i8 may add some products in too few bits and clip. Which of them it adds together is its own affair; that they are products of one output's own
 * sum is all that is assumed. Take the input that is 255 where the output's weight is positive and 0 elsewhere: every product is as large as it can be, so every partial sum
 * is, and no product is negative, so that what is clipped off one partial sum is made up for by no other. If the output is exact on this input, no partial sum
 * of it is too large on any input. The same goes for 255 where the weight is negative, and for partial sums too small. An output that is exact
 * on both is exact on all inputs (padding is the zero point of activations, one of 0 to 255 too).
 *
 * The probe has the layer's node and weights and the dimensions of its input, so that the same kernel runs. Of a convolution, windows that do not overlap are filled,
 * one for each output channel of a group; bias and scales are chosen so that each such output is exactly the zero point, and one off shows.
 */
export interface LayerProbe {
  /** One output, all of whose bytes are `answer` in every run if the layer is exact. */
  readonly model: Uint8Array;
  readonly answer: number;
  /** Of the output. */
  readonly bytes: number;
  runs(): Iterable<Readonly<Record<string, HostTensor>>>;
}

const LARGEST = 255;
/** What an exact convolution gives. One clipped by 1 or more gives another byte. */
const MIDDLE = 128;
const SIGNS = [1, -1] as const;
type Sign = (typeof SIGNS)[number];

/**
 * @param xDims of the layer's input
 * @returns undefined where no window lies wholly in the input, or a zero point is not constant: nothing is proven of those
 */
export function layerProbe(
  layer: IntegerLayer,
  graph: Graph,
  xDims: readonly number[],
): LayerProbe | undefined {
  return layer.kind === "product" ? productProbe(layer, graph, xDims) : convolutionProbe(layer, graph, xDims);
}

const scalarU8 = (value: number): HostTensor => ({ type: "u8", dims: [], data: Uint8Array.of(value) });
const ones = (count: number): Float32Array => new Float32Array(count).fill(1);
const productOf = (sizes: readonly number[]) => sizes.reduce((product, size) => product * size, 1);

/** The layer's node on these inputs, and what is looked at of its output. */
function probeModel(
  graph: Graph,
  node: GraphNode,
  inputs: readonly string[],
  constants: ReadonlyMap<string, HostTensor>,
  fed: Readonly<Record<string, readonly [ElementType, readonly number[]]>>,
  after: readonly GraphNode[],
): Uint8Array {
  return encodeGraph(
    {
      opset: graph.opset,
      nodes: [{ ...node, name: "layer", inputs, outputs: ["y"] }, ...after],
      initializers: constants,
      inputs: Object.entries(fed).map(([name, [type, dims]]) => ({ name, type, dims })),
      outputs: [],
    },
    ["checked"],
  );
}

const plainNode = (op: string, inputs: readonly string[], output: string): GraphNode => ({
  ...{ name: output, op, domain: "", inputs, outputs: [output], attributes: new Map() },
});

/** The zero points of activations and of weights, these for each output channel. 0 where left out, and for activations also where the graph computes it. */
function zeroPoints(
  { node, weight }: IntegerLayer,
  graph: Graph,
  outputs: number,
  [x, w]: readonly [number, number],
): { x: number; w: (n: number) => number; weightZero: HostTensor } | undefined {
  const name = node.inputs[w] ?? "";
  const given = graph.initializers.get(name);
  if (name !== "" && !given) return undefined;
  const weightZero: HostTensor = given ?? { type: weight.type, dims: [], data: new Int8Array(1) };
  if (weightZero.data.length !== 1 && weightZero.data.length !== outputs) return undefined;
  const activation = graph.initializers.get(node.inputs[x] ?? "");
  return {
    x: Number(activation?.data[0] ?? 0),
    w: (n) => Number(weightZero.data[weightZero.data.length === 1 ? 0 : n]),
    weightZero,
  };
}

// --- convolutions

/** Where windows that do not overlap, wholly inside the input, begin along a spatial dimension, and the outputs they make. */
interface Axis {
  readonly starts: readonly number[];
  readonly positions: readonly number[];
  readonly outputs: number;
  /** From one place in the window to the next. */
  readonly dilation: number;
}

function axisOf(
  size: number,
  window: number,
  stride: number,
  dilation: number,
  pads: readonly [number, number],
): Axis {
  const span = dilation * (window - 1) + 1;
  const outputs = Math.floor((size + pads[0] + pads[1] - span) / stride) + 1;
  const starts: number[] = [];
  const positions: number[] = [];
  for (let position = 0; position < outputs; position++) {
    const start = position * stride - pads[0];
    if (start < (starts.length === 0 ? 0 : (starts.at(-1) as number) + span) || start + span > size) continue;
    starts.push(start);
    positions.push(position);
  }
  return { starts, positions, outputs, dilation };
}

/** A rank-1 window as one of rank 2. */
function inTwo<Value>(list: readonly Value[], missing: Value): [Value, Value] {
  return list.length === 1 ? [missing, list[0] as Value] : [list[0] as Value, list[1] as Value];
}

function convolutionProbe(
  layer: ConvolutionLayer,
  graph: Graph,
  xDims: readonly number[],
): LayerProbe | undefined {
  const { node, weight, group } = layer;
  const [outputs = 1, perGroup = 1, ...window] = weight.dims;
  const rank = window.length;
  if (xDims.length !== rank + 2 || rank < 1 || rank > 2) return undefined;
  const isLast = intAttribute(node, "channels_last", 0) === 1;
  const zeros = zeroPoints(layer, graph, outputs, [2, 5]);
  if (!zeros) return undefined;
  const images = xDims[0] as number;
  const channels = perGroup * group;
  const sizes = isLast ? xDims.slice(1, -1) : xDims.slice(2);
  const list = (name: string, missing: number) => intsAttribute(node, name) ?? window.map(() => missing);
  const pads = intsAttribute(node, "pads") ?? [...window, ...window].map(() => 0);
  const axes = window.map((length, k) =>
    axisOf(sizes[k] as number, length, list("strides", 1)[k] as number, list("dilations", 1)[k] as number, [
      pads[k] as number,
      pads[rank + k] as number,
    ]),
  );
  const [rows, columns] = inTwo(axes, { starts: [0], positions: [0], outputs: 1, dilation: 1 });
  const [height, width] = inTwo(sizes, 1);
  const [kh, kw] = inTwo(window, 1);
  const places = kh * kw;
  const area = height * width;
  const capacity = images * rows.starts.length * columns.starts.length;
  if (capacity === 0) return undefined;
  const data = weight.data as Int8Array;
  const perOutput = outputs / group;

  /** For each output channel, what its sum is on the input of that sign, negative: the bias that makes it 0. */
  const biases = (sign: Sign) => {
    const bias = new Int32Array(outputs);
    for (let n = 0; n < outputs; n++) {
      const weightZero = zeros.w(n);
      let sum = 0;
      for (let at = n * perGroup * places; at < (n + 1) * perGroup * places; at++) {
        const value = data[at] as number;
        sum += ((sign * value > 0 ? LARGEST : 0) - zeros.x) * (value - weightZero);
      }
      bias[n] = -sum;
    }
    return bias;
  };

  function* runs() {
    const outputPlaces = rows.outputs * columns.outputs;
    for (const sign of SIGNS) {
      const bias: HostTensor = { type: "i32", dims: [outputs], data: biases(sign) };
      for (let first = 0; first < perOutput; first += capacity) {
        const x = new Uint8Array(images * channels * area);
        const seen = new Uint8Array(images * outputs * outputPlaces);
        for (let own = first; own < Math.min(perOutput, first + capacity); own++) {
          const slot = own - first;
          const column = slot % columns.starts.length;
          const row = Math.floor(slot / columns.starts.length) % rows.starts.length;
          const image = Math.floor(slot / columns.starts.length / rows.starts.length);
          for (let g = 0; g < group; g++) {
            const n = g * perOutput + own;
            for (let k = 0; k < perGroup * places; k++) {
              if (sign * (data[n * perGroup * places + k] as number) <= 0) continue;
              const [c, place] = [g * perGroup + Math.floor(k / places), k % places];
              const y = (rows.starts[row] as number) + rows.dilation * Math.floor(place / kw);
              const z = (columns.starts[column] as number) + columns.dilation * (place % kw);
              const at = y * width + z;
              x[image * channels * area + (isLast ? at * channels + c : c * area + at)] = LARGEST;
            }
            const at =
              (rows.positions[row] as number) * columns.outputs + (columns.positions[column] as number);
            seen[image * outputs * outputPlaces + (isLast ? at * outputs + n : n * outputPlaces + at)] = 1;
          }
        }
        yield {
          x: { type: "u8", dims: xDims, data: x } as const,
          bias,
          seen: { type: "bool", dims: yDims, data: seen } as const,
        };
      }
    }
  }

  const spatial = axes.map((axis) => axis.outputs);
  const yDims = isLast ? [images, ...spatial, outputs] : [images, outputs, ...spatial];
  const scales = graph.initializers.get(node.inputs[4] ?? "")?.data.length ?? 1;
  const constants = new Map<string, HostTensor>([
    ["scale", { type: "f32", dims: [], data: ones(1) }],
    ["w_scale", { type: "f32", dims: scales === 1 ? [] : [scales], data: ones(scales) }],
    ["x_zero", scalarU8(zeros.x)],
    ["w", weight],
    ["w_zero", zeros.weightZero],
    ["middle", scalarU8(MIDDLE)],
  ]);
  const inputs = ["x", "scale", "x_zero", "w", "w_scale", "w_zero", "scale", "middle", "bias"];
  return {
    model: probeModel(
      graph,
      node,
      inputs,
      constants,
      { x: ["u8", xDims], bias: ["i32", [outputs]], seen: ["bool", yDims] },
      [plainNode("Where", ["seen", "y", "middle"], "checked")],
    ),
    answer: MIDDLE,
    bytes: productOf(yDims),
    runs,
  };
}

// --- matrix products

function productProbe(layer: ProductLayer, graph: Graph, xDims: readonly number[]): LayerProbe | undefined {
  const { node, weight } = layer;
  const [inner = 1, outputs = 1] = weight.dims;
  const zeros = zeroPoints(layer, graph, outputs, [2, 3]);
  const rows = productOf(xDims.slice(0, -1));
  if (!zeros || xDims.at(-1) !== inner || rows === 0) return undefined;
  const data = weight.data as Int8Array;
  const yDims = [...xDims.slice(0, -1), outputs];

  function* runs() {
    for (let first = 0; first < SIGNS.length * outputs; first += rows) {
      const x = new Uint8Array(rows * inner);
      const sums = new Int32Array(rows * outputs);
      const seen = new Uint8Array(rows * outputs);
      for (let row = 0; row < Math.min(rows, SIGNS.length * outputs - first); row++) {
        const n = (first + row) % outputs;
        const sign = SIGNS[Math.floor((first + row) / outputs)] as Sign;
        for (let k = 0; k < inner; k++) {
          const value = data[k * outputs + n] as number;
          if (sign * value > 0) x[row * inner + k] = LARGEST;
          const activation = (x[row * inner + k] as number) - (zeros?.x ?? 0);
          sums[row * outputs + n] =
            (sums[row * outputs + n] as number) + activation * (value - (zeros?.w(n) ?? 0));
        }
        seen[row * outputs + n] = 1;
      }
      yield {
        x: { type: "u8", dims: xDims, data: x } as const,
        sums: { type: "i32", dims: yDims, data: sums } as const,
        seen: { type: "bool", dims: yDims, data: seen } as const,
      };
    }
  }

  const constants = new Map<string, HostTensor>([
    ["w", weight],
    ["x_zero", scalarU8(zeros.x)],
    ["w_zero", zeros.weightZero],
    ["nothing", { type: "i32", dims: [], data: new Int32Array(1) }],
  ]);
  return {
    model: probeModel(
      graph,
      node,
      ["x", "w", "x_zero", "w_zero"],
      constants,
      { x: ["u8", xDims], sums: ["i32", yDims], seen: ["bool", yDims] },
      [
        plainNode("Sub", ["y", "sums"], "difference"),
        plainNode("Where", ["seen", "difference", "nothing"], "checked"),
      ],
    ),
    answer: 0,
    bytes: productOf(yDims) * Int32Array.BYTES_PER_ELEMENT,
    runs,
  };
}
