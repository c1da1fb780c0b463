import { FatalError } from "@surety/protocol";
import type { Dtype } from "../program/instruction.ts";
import { Expression } from "./expression.ts";
import type { OperandDraft, ProgramBuilder, TraceSource } from "./programBuilder.ts";
import { freshDims, product, refineViews, rowMajorStrides, sizesOf, type View } from "./view.ts";

/** How a new tensor lies in memory: like the first operand, with dimension 1 innermost, row-major, or with some dimensions innermost. */
export type Layout = "as-first" | "channels-last" | "row-major" | { readonly innermost: readonly number[] };

/**
 * Adds an elementwise instruction over views of equal logical sizes (broadcast them first). Views whose axes cannot be cut alike are
 * copied first.
 *
 * @param tensor the result's name in the exact graph; null if it has none
 * @returns the view of the new tensor
 * @throws FatalError COMPILE_RANK
 */
export function mapInstruction(
  program: ProgramBuilder,
  name: string,
  tensor: string | null,
  dtype: Dtype,
  views: readonly View[],
  expression: Expression,
  layout: Layout,
): View {
  const refined = refineViews(views) ?? refineViews(views.map((view) => copyView(program, name, view)));
  if (refined === undefined)
    throw new FatalError("COMPILE_INTERNAL", `${name}: row-major operands do not fit together.`);
  const { sizes } = refined;
  const order = memoryOrder(refined.views[0] as View, sizes, layout);
  const flat = sizes.flat();
  const index = program.add(name, tensor === null ? null : traceSource(tensor, flat, order), {
    accumulate: "none",
    outDtype: dtype,
    outDims: order.map((axis) => flat[axis] as number),
    reduceDims: [],
    operands: refined.views.map((view) => elementwiseOperand(view, sizes, order)),
    expression: expression.operations,
  });
  const dims =
    layout === "row-major" ? freshDims(sizes.map((axes) => [product(axes)])) : freshDims(sizes, order);
  return { space: "trace", index, dtype, elements: product(flat), offset: 0, dims };
}

function traceSource(tensor: string, flat: readonly number[], order: readonly number[]): TraceSource {
  return flat.length === 0
    ? { tensor, shape: [1], permutation: [0] }
    : { tensor, shape: flat, permutation: order };
}

/** Reads one element of the view per output position; its axes, flattened, are the output's in `order`. */
function elementwiseOperand(
  view: View,
  sizes: readonly (readonly number[])[],
  order: readonly number[],
): OperandDraft {
  const { space, index, dtype, elements, offset } = view;
  const strides = view.dims.flat().map((axis) => axis.stride);
  return {
    space,
    index,
    dtype,
    elements,
    offset,
    out: order.map((axis) => strides[axis] as number),
    reduce: [],
    bounds: (view.bounds ?? []).map(({ dimension, start, size }) => {
      // The index in the dimension, from its axes.
      const weights = sizes.flatMap((axes, k) =>
        k === dimension ? rowMajorStrides(axes) : axes.map(() => 0),
      );
      return { limit: size, offset: -start, out: order.map((axis) => weights[axis] as number), reduce: [] };
    }),
  };
}

/** A row-major copy whose dimensions are one axis each (which a padded view's are where it is padded). The exact graph has no such tensor. */
function copyView(program: ProgramBuilder, name: string, view: View): View {
  if (view.bounds?.length || view.dims.every((axes) => axes.length <= 1)) return view;
  const expression = new Expression();
  expression.load(0);
  return mapInstruction(
    program,
    `${name}: copy [${sizesOf(view)}]`,
    null,
    view.dtype,
    [view],
    expression,
    "row-major",
  );
}

/** The flattened axes from the outermost in memory to the innermost. */
function memoryOrder(first: View, sizes: readonly (readonly number[])[], layout: Layout): number[] {
  const axes = first.dims.flat();
  const logical = axes.map((_, axis) => axis);
  if (layout === "row-major") return logical;
  if (layout === "channels-last" && sizes.length >= 3) {
    const before = (sizes[0] ?? []).length;
    const after = before + (sizes[1] ?? []).length;
    const batch = logical.slice(0, before);
    return [...batch, ...logical.slice(after), ...logical.slice(before, after)];
  }
  if (typeof layout === "object") {
    const dimensions = sizes.flatMap((own, k) => own.map(() => k));
    const isInner = (axis: number) => layout.innermost.includes(dimensions[axis] as number);
    return [...logical.filter((axis) => !isInner(axis)), ...logical.filter(isInner)];
  }
  if (axes.some((axis) => axis.stride === 0)) return logical;
  const stride = (axis: number) => axes[axis]?.stride ?? 0;
  return logical.sort((a, b) => stride(b) - stride(a) || a - b);
}
