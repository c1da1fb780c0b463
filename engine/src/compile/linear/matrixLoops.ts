import type { Dtype } from "../../program/instruction.ts";
import type { OperandDraft, TraceSource } from "../programBuilder.ts";
import { type Axis, freshDims, product, rowMajorStrides, type View } from "../view.ts";

/** How the instructions of activations [..., K] times weights [N, K] run over their operands: output [..., N], reduction K. */
export interface MatrixLoops {
  readonly outDims: readonly number[];
  readonly reduceDims: readonly number[];
  /** A view with the axes of the one the loops were made for. */
  activation(view: View): OperandDraft;
  /** Reads weights that `reversed` has put in order. */
  matrix(index: number, dtype: "u8" | "i8"): OperandDraft;
  /** Weights [N, K] in the order the referee reads them: along the activation's memory, backwards. */
  reversed<Values extends Int8Array | Uint8Array>(values: Values): Values;
  /** Reads a vector of one element per column of the output. */
  perColumn(index: number, dtype: "i32" | "f32"): OperandDraft;
  source(tensor: string): TraceSource;
  /** The view of the tensor written. */
  result(index: number, dtype: Dtype): View;
}

export function matrixLoops(input: View, columns: number): MatrixLoops {
  const lead = input.dims.slice(0, -1);
  const leadAxes = lead.flat();
  const reduction = memoryOrder(input.dims.at(-1) ?? []);
  const reduceDims = reduction.length > 0 ? reduction.map((axis) => axis.size) : [1];
  const rows = product(reduceDims);
  const zeros = leadAxes.map(() => 0);
  const outDims = [...leadAxes.map((axis) => axis.size), columns];
  return {
    outDims,
    reduceDims,
    activation: (view) => ({
      space: view.space,
      index: view.index,
      dtype: view.dtype,
      elements: view.elements,
      offset: view.offset,
      out: [...leadAxes.map((axis) => axis.stride), 0],
      reduce: reduction.length > 0 ? reduction.map((axis) => axis.stride) : [0],
    }),
    matrix: (index, dtype) => ({
      space: "weight",
      index,
      dtype,
      elements: rows * columns,
      offset: rows - 1,
      out: [...zeros, rows],
      reduce: rowMajorStrides(reduceDims).map((stride) => -stride),
    }),
    reversed(values) {
      const reversed = values.slice() as typeof values;
      const logical = logicalPositions(reduction);
      for (let n = 0; n < columns; n++) {
        for (let r = 0; r < rows; r++)
          reversed[n * rows + rows - 1 - r] = values[n * rows + (logical[r] as number)] as number;
      }
      return reversed;
    },
    perColumn: (index, dtype) => ({
      space: "weight",
      index,
      dtype,
      elements: columns,
      offset: 0,
      out: [...zeros, 1],
      reduce: reduceDims.map(() => 0),
    }),
    source: (tensor) => ({ tensor, shape: outDims, permutation: outDims.map((_, axis) => axis) }),
    result(index, dtype) {
      const sizes = [...lead.map((axes) => axes.map((axis) => axis.size)), columns > 1 ? [columns] : []];
      return { space: "trace", index, dtype, elements: product(outDims), offset: 0, dims: freshDims(sizes) };
    },
  };
}

interface ReductionAxis extends Axis {
  /** Stride in the logical dimension the axes make up. */
  readonly logical: number;
}

/** The axes of a dimension with the longest stride first, so that the innermost runs through memory. */
function memoryOrder(axes: readonly Axis[]): ReductionAxis[] {
  const logical = rowMajorStrides(axes.map((axis) => axis.size));
  return axes
    .map((axis, k) => ({ ...axis, logical: logical[k] as number }))
    .sort((a, b) => b.stride - a.stride || b.logical - a.logical);
}

/** For each position in the order of `axes`, its index in the logical dimension. */
function logicalPositions(axes: readonly ReductionAxis[]): number[] {
  let positions = [0];
  for (const { size, logical } of axes) {
    positions = positions.flatMap((base) => Array.from({ length: size }, (_, k) => base + k * logical));
  }
  return positions;
}
