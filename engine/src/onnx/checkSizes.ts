import { FatalError } from "@surety/protocol";
import { describeNode, type GraphNode, intAttribute, intsAttribute } from "./graph.ts";
import { type HostTensor, numbersOf } from "./tensor.ts";

/** Elements that one node may be told to make. */
const MOST_ELEMENTS = 2 ** 27;
/** Largest kernel, stride, dilation or pad. */
const MOST_STEP = 2 ** 16;

const WINDOW_ATTRIBUTES = ["kernel_shape", "strides", "dilations", "pads", "output_padding", "output_shape"];

/** By op: the first of the inputs whose values say how large the result is. */
const FIRST_SIZE_INPUT: Readonly<Record<string, number>> = {
  ConstantOfShape: 0,
  Expand: 1,
  OneHot: 1,
  Pad: 1,
  Range: 0,
  Resize: 2,
  Tile: 1,
  TopK: 1,
  Upsample: 1,
};

/** The inputs whose values, not only their own sizes, decide how large the node's result is. */
export function sizeInputs(node: GraphNode): readonly string[] {
  const first = node.domain === "" ? FIRST_SIZE_INPUT[node.op] : undefined;
  return first === undefined ? [] : node.inputs.slice(first);
}

/**
 * Refuses nodes that a few bytes tell to make or walk through something huge, before onnxruntime does it. Values that are not known are let pass.
 *
 * @param known constants and computed values by name
 * @throws FatalError ONNX_SHAPE
 */
export function checkSizes(node: GraphNode, known: (name: string) => HostTensor | undefined): void {
  if (node.domain !== "" && node.domain !== "com.microsoft") return;
  const refuse = (why: string) => new FatalError("ONNX_SHAPE", `${describeNode(node)} is too large: ${why}.`);
  for (const name of WINDOW_ATTRIBUTES) {
    const values = intsAttribute(node, name) ?? [];
    const worst = values.find((value) => Math.abs(value) > MOST_STEP);
    if (worst !== undefined) throw refuse(`${name} holds ${worst}; at most ${MOST_STEP} is taken`);
    const elements = values.reduce((count, value) => count * (Math.abs(value) + 1), 1);
    if (elements > MOST_ELEMENTS ** 2 || (name === "kernel_shape" && elements > MOST_ELEMENTS))
      throw refuse(`${name} is [${values}]`);
  }
  for (const [elements, what] of madeByValues(node, known)) {
    if (elements !== undefined && !(elements <= MOST_ELEMENTS))
      throw refuse(`${what} makes ${elements} elements; at most ${MOST_ELEMENTS} are taken`);
  }
}

/** How many elements a node is told to make, at least, and by what. */
function madeByValues(
  node: GraphNode,
  known: (name: string) => HostTensor | undefined,
): (readonly [number | undefined, string])[] {
  if (node.domain !== "") return [];
  const tensor = (index: number) => (node.inputs[index] ? known(node.inputs[index]) : undefined);
  const numbers = (index: number) => numbersOf(tensor(index));
  const product = (values: readonly number[] | undefined, each = 1) =>
    values?.reduce((count, value) => count * Math.max(1, Math.abs(value)), each);
  const elements = tensor(0)?.data.length ?? 1;
  switch (node.op) {
    case "ConstantOfShape":
      return [[product(numbers(0)), "its shape"]];
    case "Expand":
      return [[product(numbers(1)), "its shape"]];
    case "Tile":
      return [[product(numbers(1), elements), "its list of repeats"]];
    case "Pad": {
      const pads = numbers(1) ?? intsAttribute(node, "pads") ?? [];
      return [[pads.reduce((sum, pad) => sum + Math.max(0, pad), 0), "its padding"]];
    }
    case "TopK":
      return [[numbers(1)?.[0] ?? intAttribute(node, "k", 0), "k"]];
    case "OneHot":
      return [[product(numbers(1), elements), "its depth"]];
    case "Upsample":
      return [[product(numbers(1)), "its list of scales"]];
    case "Resize":
      return [
        [product(numbers(2)), "its list of scales"],
        [product(numbers(3)), "its list of sizes"],
      ];
    case "Range": {
      const [start, limit, delta] = [numbers(0)?.[0], numbers(1)?.[0], numbers(2)?.[0]];
      if (start === undefined || limit === undefined || !delta) return [];
      return [[(limit - start) / delta, "its range"]];
    }
    default:
      return [];
  }
}
