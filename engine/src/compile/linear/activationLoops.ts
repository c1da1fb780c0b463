import type { Dtype } from "../../program/instruction.ts";
import type { OperandDraft } from "../programBuilder.ts";
import { type Axis, broadcastView, freshDims, product, refineViews, sizesOf, type View } from "../view.ts";

/** How the instructions of a product of two activations run over them: output [batch..., rows, columns], reduction over what both share. */
export interface ActivationLoops {
  readonly outDims: readonly number[];
  readonly reduceDims: readonly number[];
  readonly operands: readonly [OperandDraft, OperandDraft];
  /** The view of the tensor written. */
  result(index: number, dtype: Dtype): View;
}

/**
 * @param left [batch..., M, K]
 * @param right [batch..., K, N]; batches are broadcast
 * @param dims [batch..., M, N]
 * @returns undefined where the views' axes cannot be cut alike; row-major ones always can
 */
export function activationLoops(
  left: View,
  right: View,
  dims: readonly number[],
): ActivationLoops | undefined {
  const inner = sizesOf(left).at(-1) as number;
  const all = [...dims, inner];
  const [rows, shared] = left.dims.slice(-2) as [Axis[], Axis[]];
  const [sharedRight, columns] = right.dims.slice(-2) as [Axis[], Axis[]];
  const spread = [
    broadcastView({ ...left, dims: [...left.dims.slice(0, -2), rows, [], shared] }, all),
    broadcastView({ ...right, dims: [...right.dims.slice(0, -2), [], columns, sharedRight] }, all),
  ];
  const refined = refineViews(spread);
  if (refined === undefined) return undefined;
  const rank = dims.length;
  const sizes = refined.sizes.slice(0, rank);
  const reduceSizes = refined.sizes[rank] as number[];
  const operand = (view: View): OperandDraft => ({
    space: view.space,
    index: view.index,
    dtype: view.dtype,
    elements: view.elements,
    offset: view.offset,
    out: view.dims
      .slice(0, rank)
      .flat()
      .map((axis) => axis.stride),
    reduce: reduceSizes.length > 0 ? (view.dims[rank] ?? []).map((axis) => axis.stride) : [0],
  });
  const [first, second] = refined.views as [View, View];
  const outDims = sizes.flat();
  return {
    outDims: outDims.length > 0 ? outDims : [1],
    reduceDims: reduceSizes.length > 0 ? reduceSizes : [1],
    operands: [operand(first), operand(second)],
    result: (index, dtype) => ({
      space: "trace",
      index,
      dtype,
      elements: product(outDims),
      offset: 0,
      dims: freshDims(sizes),
    }),
  };
}
