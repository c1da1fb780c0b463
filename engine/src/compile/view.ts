/**
 * A value of the program as a strided view over the tensor it lies in. Each logical dimension (as ONNX sees it) is a list of
 * axes, outermost first, so that flattening a channels-last image needs no copy: the dimension just has three axes.
 */
import type { Dtype, Space } from "../program/instruction.ts";

export interface Axis {
  readonly size: number;
  /** Elements between neighbours; 0 repeats the same element. */
  readonly stride: number;
}

/** Padding: a position is inside where 0 <= (index in the dimension) - start < size. */
export interface ViewBound {
  readonly dimension: number;
  readonly start: number;
  readonly size: number;
}

export interface View {
  readonly space: Space;
  /** Number of the instruction, weight tensor or model input. */
  readonly index: number;
  readonly dtype: Dtype;
  /** Elements of the whole tensor. */
  readonly elements: number;
  readonly offset: number;
  /** One list of axes per logical dimension; axes of size 1 are left out. */
  readonly dims: readonly (readonly Axis[])[];
  /** Where it is padded. Only elementwise instructions read padded views. */
  readonly bounds?: readonly ViewBound[];
}

export function product(sizes: readonly number[]): number {
  return sizes.reduce((result, size) => result * size, 1);
}

/** Row-major strides. */
export function rowMajorStrides(sizes: readonly number[]): number[] {
  const strides = sizes.map(() => 1);
  for (let axis = sizes.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] as number) * (sizes[axis + 1] as number);
  }
  return strides;
}

/** Logical sizes of a view. */
export function sizesOf(view: View): number[] {
  return view.dims.map((axes) => product(axes.map((axis) => axis.size)));
}

/**
 * A fresh tensor's axes: `sizes` lists the axis sizes of each logical dimension, `order` the flattened axes from the outermost
 * in memory to the innermost (default: logical order).
 */
export function freshDims(sizes: readonly (readonly number[])[], order?: readonly number[]): Axis[][] {
  const flat = sizes.flat();
  const memory = order ?? flat.map((_, axis) => axis);
  const strides = flat.map(() => 0);
  let stride = 1;
  for (const axis of [...memory].reverse()) {
    strides[axis] = stride;
    stride *= flat[axis] as number;
  }
  let next = 0;
  return sizes.map((axes) =>
    axes.map((size) => ({ size, stride: strides[next++] as number })).filter((axis) => axis.size > 1),
  );
}

/** A view of a whole row-major tensor. */
export function wholeView(space: Space, index: number, dtype: Dtype, dims: readonly number[]): View {
  const axes = freshDims(dims.map((size) => [size]));
  return { space, index, dtype, elements: product(dims), offset: 0, dims: axes };
}

export function isRowMajor(view: View): boolean {
  const axes = view.dims.flat();
  const strides = rowMajorStrides(axes.map((axis) => axis.size));
  return (
    view.offset === 0 &&
    axes.every((axis, k) => axis.stride === strides[k]) &&
    product(sizesOf(view)) === view.elements
  );
}

/** The same elements under other logical sizes; undefined where an axis would have to be cut unevenly. */
export function reshapeView(view: View, sizes: readonly number[]): View | undefined {
  const dims = regroup(mergeNeighbours(view.dims.flat()), sizes);
  return dims && { ...view, dims };
}

/** Makes one axis of neighbours that together step evenly. */
function mergeNeighbours(axes: readonly Axis[]): Axis[] {
  const merged: Axis[] = [];
  for (const axis of axes) {
    const outer = merged.at(-1);
    if (outer?.stride === axis.size * axis.stride) {
      merged[merged.length - 1] = { size: outer.size * axis.size, stride: axis.stride };
    } else {
      merged.push(axis);
    }
  }
  return merged;
}

/** Splits a row-major list of axes into groups of the given sizes. */
function regroup(axes: readonly Axis[], sizes: readonly number[]): Axis[][] | undefined {
  const rest = [...axes].reverse();
  const dims: Axis[][] = [];
  for (const size of [...sizes].reverse()) {
    const group: Axis[] = [];
    let left = size;
    while (left > 1) {
      const axis = rest.shift();
      if (axis === undefined) return undefined;
      if (left % axis.size === 0) {
        group.unshift(axis);
        left /= axis.size;
      } else if (axis.size % left === 0) {
        group.unshift({ size: left, stride: axis.stride });
        rest.unshift({ size: axis.size / left, stride: axis.stride * left });
        left = 1;
      } else {
        return undefined;
      }
    }
    dims.unshift(group);
  }
  return rest.length === 0 ? dims : undefined;
}

export function transposeView(view: View, permutation: readonly number[]): View {
  return { ...view, dims: permutation.map((axis) => view.dims[axis] ?? []) };
}

/** Broadcasts as ONNX does: leading dimensions are added, size 1 repeats. */
export function broadcastView(view: View, sizes: readonly number[]): View {
  const own = sizesOf(view);
  const shift = sizes.length - own.length;
  const dims = sizes.map((size, k) => {
    const axes = view.dims[k - shift];
    if (axes === undefined || own[k - shift] !== size) return size > 1 ? [{ size, stride: 0 }] : [];
    return axes;
  });
  return { ...view, dims };
}

/**
 * Cuts the views' axes so that all have the same axis sizes in each dimension; undefined where that is impossible. The views
 * have the same logical sizes.
 */
export function refineViews(views: readonly View[]): { sizes: number[][]; views: View[] } | undefined {
  const rank = views[0]?.dims.length ?? 0;
  const sizes: number[][] = [];
  for (let k = 0; k < rank; k++) {
    let cut: number[] = [];
    for (const view of views) {
      const own = (view.dims[k] ?? []).map((axis) => axis.size);
      const merged = commonCuts(cut, own);
      if (merged === undefined) return undefined;
      cut = merged;
    }
    sizes.push(cut);
  }
  const refined: View[] = [];
  for (const view of views) {
    const dims: Axis[][] = [];
    for (let k = 0; k < rank; k++) {
      const axes = regroup(view.dims[k] ?? [], sizes[k] ?? []);
      if (axes === undefined || axes.some((group) => group.length !== 1)) return undefined;
      dims.push(axes.flat());
    }
    refined.push({ ...view, dims });
  }
  return { sizes, views: refined };
}

/** The coarsest list of sizes that refines both, innermost cuts first. */
function commonCuts(first: readonly number[], second: readonly number[]): number[] | undefined {
  if (first.length === 0) return [...second];
  if (second.length === 0) return [...first];
  const marks = (sizes: readonly number[]) => rowMajorStrides(sizes).concat(product(sizes));
  const all = [...new Set([...marks(first), ...marks(second)])].sort((a, b) => b - a);
  const cuts: number[] = [];
  for (let k = 0; k + 1 < all.length; k++) {
    const size = (all[k] as number) / (all[k + 1] as number);
    if (!Number.isInteger(size)) return undefined;
    cuts.push(size);
  }
  return cuts;
}

/**
 * The view with `before[k]` positions of padding in front of dimension k and `after[k]` behind it; both may be negative, which cuts. Undefined
 * where a padded dimension is not one axis.
 */
export function padView(view: View, before: readonly number[], after: readonly number[]): View | undefined {
  const sizes = sizesOf(view);
  let offset = view.offset;
  const bounds: ViewBound[] = [...(view.bounds ?? [])];
  const dims: (readonly Axis[])[] = [];
  for (const [k, axes] of view.dims.entries()) {
    const [front, back] = [before[k] ?? 0, after[k] ?? 0];
    if (front === 0 && back === 0) {
      dims.push(axes);
      continue;
    }
    if (axes.length > 1) return undefined;
    const stride = axes[0]?.stride ?? 1;
    const size = (sizes[k] as number) + front + back;
    offset -= front * stride;
    dims.push(size > 1 ? [{ size, stride }] : []);
    if (front > 0 || back > 0) bounds.push({ dimension: k, start: front, size: sizes[k] as number });
  }
  return { ...view, offset, dims, bounds };
}

/**
 * Every `steps[k]`-th position of dimension k from `starts[k]` on, `sizes[k]` of them; steps may be negative or 0 (which repeats). Undefined where
 * a dimension that is cut is not one axis.
 */
export function sliceView(
  view: View,
  starts: readonly number[],
  steps: readonly number[],
  sizes: readonly number[],
): View | undefined {
  const own = sizesOf(view);
  let offset = view.offset;
  const dims: (readonly Axis[])[] = [];
  for (const [k, axes] of view.dims.entries()) {
    const [start, step, size] = [starts[k] as number, steps[k] as number, sizes[k] as number];
    if (start === 0 && size === own[k] && (step === 1 || size === 1)) {
      dims.push(axes);
      continue;
    }
    if (axes.length > 1) return undefined;
    const stride = axes[0]?.stride ?? 0;
    offset += start * stride;
    dims.push(size > 1 ? [{ size, stride: stride * step }] : []);
  }
  return { ...view, offset, dims };
}

/** The view with one dimension replaced by any number of others. */
export function replaceDimension(view: View, dimension: number, by: readonly (readonly Axis[])[]): View {
  return { ...view, dims: [...view.dims.slice(0, dimension), ...by, ...view.dims.slice(dimension + 1)] };
}
