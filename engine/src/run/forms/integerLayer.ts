import { type Graph, type GraphNode, intAttribute, qualifiedOp } from "../../onnx/graph.ts";
import type { HostTensor } from "../../onnx/tensor.ts";
import type { Column } from "./pairing.ts";

/** QLinearConv with int8 weights, [N, C / group, window...]. */
export interface ConvolutionLayer {
  readonly kind: "convolution";
  readonly node: GraphNode;
  readonly weight: HostTensor;
  readonly group: number;
}

/** MatMulInteger with int8 weights on its right, [K, N]. */
export interface ProductLayer {
  readonly kind: "product";
  readonly node: GraphNode;
  readonly weight: HostTensor;
}

export type IntegerLayer = ConvolutionLayer | ProductLayer;

/** The node as a layer of u8 x i8 that a probe can prove; undefined for any other. */
export function integerLayer(node: GraphNode, { initializers }: Graph): IntegerLayer | undefined {
  switch (qualifiedOp(node)) {
    case "QLinearConv":
    case "com.microsoft.QLinearConv": {
      const weight = initializers.get(node.inputs[3] ?? "");
      const hasPads = !node.attributes.has("auto_pad");
      if (weight?.type !== "i8" || !hasPads) return undefined;
      return { kind: "convolution", node, weight, group: intAttribute(node, "group", 1) };
    }
    case "MatMulInteger": {
      const weight = initializers.get(node.inputs[1] ?? "");
      if (weight?.type !== "i8" || weight.dims.length !== 2) return undefined;
      return { kind: "product", node, weight };
    }
    default:
      return undefined;
  }
}

/** Products in a window of one channel, which a kernel of its own sums up. */
export function isDepthwise(layer: IntegerLayer): boolean {
  return layer.kind === "convolution" && layer.group > 1 && layer.weight.dims[1] === 1;
}

/** All weights of each input channel: of each place in the window, those of all output channels. Of layers without groups. */
export function columnsOf({ kind, weight }: IntegerLayer): Column[] {
  const data = weight.data as Int8Array;
  if (kind === "product") {
    const [inner = 1, columns = 1] = weight.dims;
    return Array.from({ length: inner }, (_, k) => data.subarray(k * columns, (k + 1) * columns));
  }
  const [outputs = 1, channels = 1, ...window] = weight.dims;
  const places = window.reduce((product, size) => product * size, 1);
  return Array.from({ length: channels }, (_, c) => {
    const column = new Int8Array(places * outputs);
    for (let n = 0; n < outputs; n++) {
      const start = (n * channels + c) * places;
      for (let place = 0; place < places; place++) {
        column[place * outputs + n] = data[start + place] as number;
      }
    }
    return column;
  });
}
