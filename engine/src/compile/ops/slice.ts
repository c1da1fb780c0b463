import { FatalError } from "@surety/protocol";
import { type GraphNode, stringAttribute } from "../../onnx/graph.ts";
import { numbersOf } from "../../onnx/tensor.ts";
import type { Lowering } from "../lowering.ts";
import { isConstant, type Rule } from "../rule.ts";
import type { ExactValue } from "../values.ts";
import { type Axis, broadcastView, sliceView, type View } from "../view.ts";
import { defineMoved } from "./move.ts";

/** The check of data movement: everything but the data is a constant. */
export function checkParameters(names: readonly string[]): Rule["check"] {
  return (node, graph) => {
    for (let k = 1; k < node.inputs.length; k++) {
      const name = node.inputs[k];
      if (name !== "" && !isConstant(graph, name))
        return `its ${names[k - 1] ?? `input ${k}`} is not a constant`;
    }
    return undefined;
  };
}

/** A view made by `make`; where the value's axes do not allow it, of a row-major copy. */
export function viewOrCopy<Value extends ExactValue>(
  lowering: Lowering,
  name: string,
  value: Value,
  make: (view: View) => View | undefined,
): View {
  const view = make(value.view) ?? make(lowering.copy(name, value).view);
  if (!view) throw new FatalError("COMPILE_INTERNAL", `${name}: a row-major copy cannot be cut.`);
  return view;
}

/** Slice: other strides, no instruction. */
export const slice: Rule = {
  check: checkParameters(["start list", "end list", "axis list", "step list"]),

  lower(node, lowering) {
    const dims = lowering.dims(node.inputs[0] ?? "");
    const output = lowering.dims(node.outputs[0] ?? "");
    const { starts, steps } = readSlice(node, lowering, dims);
    const parameters = node.inputs.slice(1).map((name) => {
      const constant = lowering.constant(name);
      if (!constant) return "";
      const data = BigInt64Array.from(Array.from(constant.data as BigInt64Array, BigInt));
      return lowering.initializer("slice", { type: "i64", dims: constant.dims, data });
    });
    defineMoved(node, lowering, (value) => {
      const view = viewOrCopy(lowering, node.name, value, (from) => sliceView(from, starts, steps, output));
      const tensor = lowering.emit("Slice", [value.tensor, ...parameters], {}, node.outputs[0]);
      return { ...value, tensor, dims: output, view };
    });
  },
};

/** Per dimension: the first position and the step. */
function readSlice(node: GraphNode, lowering: Lowering, dims: readonly number[]) {
  const [starts = [], , axes, steps] = node.inputs.slice(1).map((name) => numbersOf(lowering.constant(name)));
  const result = { starts: dims.map(() => 0), steps: dims.map(() => 1) };
  starts.forEach((start, k) => {
    const axis = axes?.[k] ?? k;
    const dimension = axis < 0 ? axis + dims.length : axis;
    const size = dims[dimension] as number;
    const step = steps?.[k] ?? 1;
    const from = start < 0 ? start + size : start;
    result.starts[dimension] = Math.max(0, Math.min(step < 0 ? size - 1 : size, from));
    result.steps[dimension] = step;
  });
  return result;
}

/** Expand: strides of 0, no instruction. */
export const expand: Rule = {
  check: checkParameters(["shape"]),

  lower(node, lowering) {
    const dims = lowering.dims(node.outputs[0] ?? "");
    const shape = lowering.initializer("shape", {
      type: "i64",
      dims: [dims.length],
      data: BigInt64Array.from(dims, BigInt),
    });
    defineMoved(node, lowering, (value) => {
      const tensor = lowering.emit("Expand", [value.tensor, shape], {}, node.outputs[0]);
      return { ...value, tensor, dims, view: broadcastView(value.view, dims) };
    });
  },
};

/** Tile: every repeated dimension gets an outer axis of stride 0, no instruction. */
export const tile: Rule = {
  check: checkParameters(["repeat list"]),

  lower(node, lowering) {
    const dims = lowering.dims(node.outputs[0] ?? "");
    const repeats = numbersOf(lowering.constant(node.inputs[1])) ?? [];
    const counts = lowering.initializer("repeats", {
      type: "i64",
      dims: [repeats.length],
      data: BigInt64Array.from(repeats, BigInt),
    });
    defineMoved(node, lowering, (value) => {
      const axes = value.view.dims.map((inner, k): readonly Axis[] =>
        repeats[k] === 1 ? inner : [{ size: repeats[k] as number, stride: 0 }, ...inner],
      );
      const tensor = lowering.emit("Tile", [value.tensor, counts], {}, node.outputs[0]);
      return { ...value, tensor, dims, view: { ...value.view, dims: axes } };
    });
  },
};

/**
 * Resize that repeats every element a whole number of times (others are taken apart before): each resized dimension gets an inner axis of
 * stride 0, and a copy makes it an image again.
 */
export const resize: Rule = {
  check: () => undefined,

  lower(node, lowering) {
    const [output = ""] = node.outputs;
    const dims = lowering.dims(output);
    const sizes = lowering.initializer("sizes", {
      type: "i64",
      dims: [dims.length],
      data: BigInt64Array.from(dims, BigInt),
    });
    const attributes = {
      mode: "nearest",
      coordinate_transformation_mode: stringAttribute(node, "coordinate_transformation_mode", "half_pixel"),
      nearest_mode: stringAttribute(node, "nearest_mode", "round_prefer_floor"),
    };
    defineMoved(node, lowering, (value) => {
      const axes = value.view.dims.map((outer, k): readonly Axis[] => {
        const times = (dims[k] as number) / (value.dims[k] as number);
        return times === 1 ? outer : [...outer, { size: times, stride: 0 }];
      });
      const tensor = lowering.emit("Resize", [value.tensor, "", "", sizes], attributes, output);
      return lowering.copy(node.name, { ...value, tensor, dims, view: { ...value.view, dims: axes } });
    });
  },
};
