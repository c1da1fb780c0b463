import type { AffineForm, Bound, Operand } from "../program/instruction.ts";

/** An operand with its dims merged: the same elements in the same order, in fewer and longer loops. */
export interface LoopOperand {
  readonly map: AffineForm;
  readonly bounds: readonly Bound[];
}

export interface LoopNest {
  /** At least one dim. */
  readonly outDims: readonly number[];
  /** At least one dim. */
  readonly reduceDims: readonly number[];
  readonly operands: readonly LoopOperand[];
}

/**
 * Merges neighbouring dims that every form of every given operand runs through without a seam, and drops dims of 1.
 * Row-major order is kept, so flat numbers mean the same before and after.
 */
export function loopNest(
  outDims: readonly number[],
  reduceDims: readonly number[],
  operands: readonly Operand[],
): LoopNest {
  const forms = operands.flatMap(({ map, bounds }) => [map, ...bounds]);
  const out = mergeDims(
    outDims,
    forms.map((form) => form.out),
  );
  const reduce = mergeDims(
    reduceDims,
    forms.map((form) => form.reduce),
  );
  let next = 0;
  const merged = (form: AffineForm): AffineForm => {
    const row = next++;
    return { offset: form.offset, out: out.rows[row] as number[], reduce: reduce.rows[row] as number[] };
  };
  return {
    outDims: out.dims,
    reduceDims: reduce.dims,
    operands: operands.map(({ map, bounds }) => ({
      map: merged(map),
      bounds: bounds.map((bound) => ({ limit: bound.limit, ...merged(bound) })),
    })),
  };
}

function mergeDims(dims: readonly number[], rows: readonly (readonly number[])[]) {
  const mergedDims: number[] = [];
  const mergedRows: number[][] = rows.map(() => []);
  for (const [k, dim] of dims.entries()) {
    if (dim === 1) continue;
    const last = mergedDims.length - 1;
    const seamless = last >= 0 && rows.every((row, i) => mergedRows[i]?.[last] === (row[k] as number) * dim);
    if (seamless) {
      mergedDims[last] = (mergedDims[last] as number) * dim;
      for (const [i, row] of rows.entries()) (mergedRows[i] as number[])[last] = row[k] as number;
    } else {
      mergedDims.push(dim);
      for (const [i, row] of rows.entries()) mergedRows[i]?.push(row[k] as number);
    }
  }
  if (mergedDims.length === 0) {
    mergedDims.push(1);
    for (const row of mergedRows) row.push(0);
  }
  return { dims: mergedDims, rows: mergedRows };
}

/** First and one past the last x in [0, length) with 0 <= value + step * x < limit; an empty run has first >= end. */
export function clipRun(value: number, step: number, limit: number, length: number): [number, number] {
  if (step === 0) return value >= 0 && value < limit ? [0, length] : [0, 0];
  const [first, last] =
    step > 0
      ? [Math.ceil(-value / step), Math.floor((limit - 1 - value) / step)]
      : [Math.ceil((limit - 1 - value) / step), Math.floor(-value / step)];
  return [Math.max(0, first), Math.min(length, last + 1)];
}
