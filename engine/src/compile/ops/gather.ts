import { type GraphNode, intAttribute } from "../../onnx/graph.ts";
import { type HostTensor, numbersOf } from "../../onnx/tensor.ts";
import { Elementwise, type Term } from "../elementwise.ts";
import type { Lowering } from "../lowering.ts";
import type { Rule } from "../rule.ts";
import type { ExactValue } from "../values.ts";
import { type Axis, replaceDimension, reshapeView, sliceView, type View, wholeView } from "../view.ts";
import { defineMoved } from "./move.ts";
import { viewOrCopy } from "./slice.ts";

/** Gather: along one axis by constant or computed indices. Constant ones at even steps need no instruction. */
export const gather: Rule = {
  check: () => undefined,

  lower(node, lowering) {
    const { axis, size, indices } = readGather(node, lowering);
    const dims = lowering.dims(node.outputs[0] ?? "");
    const indexDims = lowering.dims(indices);
    defineMoved(node, lowering, (value) => {
      const constant = normalised(lowering.constant(indices), size);
      const step = constant && evenStep(numbersOf(constant) ?? []);
      if (constant && step !== undefined) {
        const index = lowering.initializer(`${node.name}_index`, constant);
        const tensor = lowering.emit("Gather", [value.tensor, index], { axis }, node.outputs[0]);
        return {
          ...value,
          tensor,
          dims,
          view: steppedView(node, lowering, value, axis, constant, step, dims),
        };
      }
      const repeated = indexDims.map((length): Axis[] => (length > 1 ? [{ size: length, stride: 0 }] : []));
      const trailing = value.dims.slice(axis + 1).map(() => []);
      return load(node, lowering, value, {
        axis,
        constant,
        indices,
        place: (view) => ({ ...view, dims: [...view.dims, ...trailing] }),
        from: (view) => replaceDimension(view, axis, repeated),
      });
    });
  },
};

/** GatherElements: every element by an index of its own. */
export const gatherElements: Rule = {
  check: () => undefined,

  lower(node, lowering) {
    const { axis, size, indices } = readGather(node, lowering);
    const dims = lowering.dims(indices);
    defineMoved(node, lowering, (value) => {
      const steps = dims.map((_, k) => (k === axis ? 0 : 1));
      return load(node, lowering, value, {
        axis,
        constant: normalised(lowering.constant(indices), size),
        indices,
        place: (view) => view,
        from: (view) =>
          sliceView(
            view,
            steps.map(() => 0),
            steps,
            dims,
          ),
      });
    });
  },
};

function readGather(node: GraphNode, lowering: Lowering) {
  const [data = "", indices = ""] = node.inputs;
  const dims = lowering.dims(data);
  const given = intAttribute(node, "axis", 0);
  const axis = given < 0 ? given + dims.length : given;
  return { axis, size: dims[axis] as number, indices };
}

/** Constant indices from 0 to size - 1. */
function normalised(constant: HostTensor | undefined, size: number): HostTensor | undefined {
  const numbers = numbersOf(constant)?.map((index) => {
    const inside = Math.max(-size, Math.min(size - 1, index));
    return BigInt(inside < 0 ? inside + size : inside);
  });
  return constant && numbers && { type: "i64", dims: constant.dims, data: BigInt64Array.from(numbers) };
}

/** The difference between neighbours, if it is the same throughout. */
function evenStep(indices: readonly number[]): number | undefined {
  const step = indices.length > 1 ? (indices[1] as number) - (indices[0] as number) : 1;
  return indices.every((index, k) => index === (indices[0] as number) + k * step) ? step : undefined;
}

function steppedView(
  node: GraphNode,
  lowering: Lowering,
  value: ExactValue,
  axis: number,
  indices: HostTensor,
  step: number,
  dims: readonly number[],
): View {
  const along = (number: number, other: number) => value.dims.map((_, k) => (k === axis ? number : other));
  const starts = along(Number(indices.data[0]), 0);
  const sizes = value.dims.map((size, k) => (k === axis ? indices.data.length : size));
  const make = (view: View) => {
    const cut = sliceView(view, starts, along(step, 1), sizes);
    return cut && reshapeView(cut, dims);
  };
  return viewOrCopy(lowering, node.name, value, make);
}

interface Lookup {
  readonly axis: number;
  readonly constant: HostTensor | undefined;
  /** The source value of the indices. */
  readonly indices: string;
  /** The index view in the output's dimensions, aligned at the last. */
  place(view: View): View;
  /** The data view in the output's dimensions, at index 0. */
  from(view: View): View | undefined;
}

/** One instruction: the index, brought inside, then the element at it. */
function load<Value extends ExactValue>(
  node: GraphNode,
  lowering: Lowering,
  value: Value,
  { axis, constant, indices, place, from }: Lookup,
): Value {
  const dims = lowering.dims(node.outputs[0] ?? "");
  const single = (view: View) => ((view.dims[axis] ?? []).length > 1 ? undefined : view);
  const data = viewOrCopy(lowering, node.name, value, (view) => single(view) && from(view) && view);
  const stride = data.dims[axis]?.[0]?.stride ?? 0;
  const kernel = new Elementwise(lowering, node.name, dims);
  const size = value.dims[axis] as number;
  const index = constant
    ? constantIndex(node, lowering, kernel, constant, place)
    : insideIndex(kernel, lowering.plain(indices), size, place);
  const tensor = lowering.emit(node.op, [value.tensor, index.tensor], { axis }, node.outputs[0]);
  const view = from(data) as View;
  const element = kernel.loadAt(view, index, tensor, value.type, value.range, stride);
  return { ...value, ...kernel.store(element, node.name) };
}

function constantIndex(
  node: GraphNode,
  lowering: Lowering,
  kernel: Elementwise,
  constant: HostTensor,
  place: (view: View) => View,
): Term {
  // 32 bits in the program, which are enough: half the leaves.
  const data = Int32Array.from(numbersOf(constant) ?? []);
  const weight = lowering.program.addWeight(`${node.name}/index`, "i32", data);
  const view = wholeView("weight", weight, "i32", constant.dims);
  return kernel.loadView(place(view), lowering.initializer(`${node.name}_index`, constant), "i64");
}

/** A computed index: counted from the end where it is negative, and the nearest there is where there is none. */
function insideIndex(
  kernel: Elementwise,
  indices: ExactValue,
  size: number,
  place: (view: View) => View,
): Term {
  const type = indices.type as "i32" | "i64";
  const given = kernel.loadView(place(indices.view), indices.tensor, type, indices.range);
  const raised = kernel.integerMax(given, kernel.int(-size, type));
  const inside = kernel.integerMin(raised, kernel.int(size - 1, type));
  const isNegative = kernel.less(inside, kernel.int(0, type));
  return kernel.select(isNegative, kernel.integer("Add", inside, kernel.int(size, type)), inside);
}
