import { larger, smaller } from "./bigint-order.ts";
import type { AffineForm, Operand } from "./instruction.ts";

/** An affine form over the variables of (o, r) that vary at all, in BigInt, with no overflow anywhere. */
interface Form {
  readonly offset: bigint;
  readonly coefficients: readonly bigint[];
}

interface Interval {
  readonly least: bigint;
  readonly most: bigint;
}

/** Largest magnitude a form may reach: evaluators then compute every form, and every part of it, exactly in doubles. */
const EXACT_IN_DOUBLES = 2n ** 53n;

/** True when no partial sum of the form leaves the integers that doubles hold exactly, anywhere in the box 0 <= x_k < dims[k]. */
export function isExactInDoubles(form: AffineForm, dims: readonly number[]): boolean {
  const magnitude = [...form.out, ...form.reduce].reduce(
    (sum, coefficient, k) => sum + absolute(BigInt(coefficient)) * BigInt((dims[k] ?? 1) - 1),
    absolute(BigInt(form.offset)),
  );
  return magnitude < EXACT_IN_DOUBLES;
}

/**
 * Proves that the operand's flat index lies in [0, elements) wherever its bounds are satisfied.
 *
 * Interval arithmetic over the box alone is too coarse for padded windows, whose index leaves the tensor exactly where a bound cuts it
 * off. So for multipliers l_j the index F is written as sum l_j * bound_j + rest: bound_j is known to lie in [0, limit_j - 1] and the rest is bounded over the box.
 * Any rational l_j gives a sound interval (weak duality), so nothing is trusted about how they are found. They are found where a linear
 * programme has its optimum: at those that cancel as many variables of the rest as there are bounds taken in. So the proof is
 * as sharp as the linear relaxation, e.g. exact for strided, dilated and grouped convolutions with padding.
 *
 * @param dims Output dims, then reduction dims.
 * @returns False when there is no such proof.
 */
export function staysInside(operand: Operand, dims: readonly number[]): boolean {
  const varying = dims.flatMap((dim, k) => (dim > 1 ? [k] : []));
  const highest = varying.map((k) => BigInt((dims[k] as number) - 1));
  const index = overVarying(operand.map, varying);
  const bounds: { form: Form; range: Interval }[] = [];
  for (const bound of operand.bounds) {
    const form = overVarying(bound, varying);
    const box = rangeOver(form, highest);
    const range = { least: larger(box.least, 0n), most: smaller(box.most, BigInt(bound.limit) - 1n) };
    if (range.least > range.most) return true;
    bounds.push({ form, range });
  }

  const last = BigInt(operand.elements) - 1n;
  let aboveZero = false;
  let belowEnd = false;
  for (const { multipliers, divisor } of multiplierCandidates(
    index,
    bounds.map(({ form }) => form),
  )) {
    // divisor * F = sum multipliers_j * bound_j + rest
    let rest = scale(index, divisor);
    let { least, most } = { least: 0n, most: 0n };
    for (const [j, { form, range }] of bounds.entries()) {
      const multiplier = multipliers[j] ?? 0n;
      rest = add(rest, scale(form, -multiplier));
      const [low, high] = multiplier < 0n ? [range.most, range.least] : [range.least, range.most];
      least += multiplier * low;
      most += multiplier * high;
    }
    const restRange = rangeOver(rest, highest);
    aboveZero ||= least + restRange.least >= 0n;
    belowEnd ||= most + restRange.most <= divisor * last;
    if (aboveZero && belowEnd) return true;
  }
  return false;
}

/** Multipliers over a common positive divisor: zero, then for every set of bounds those that cancel as many variables. */
function* multiplierCandidates(index: Form, bounds: readonly Form[]) {
  yield { multipliers: bounds.map(() => 0n), divisor: 1n };
  const variables = index.coefficients.map((_, k) => k);
  const subsets = [...Array(2 ** bounds.length).keys()].slice(1);
  for (const subset of subsets) {
    const chosen = bounds.flatMap((_, j) => ((subset >> j) & 1 ? [j] : []));
    const reached = variables.filter((k) => chosen.some((j) => at(bounds[j], k) !== 0n));
    for (const cancelled of combinations(reached, chosen.length)) {
      const matrix = cancelled.map((k) => chosen.map((j) => at(bounds[j], k)));
      const determinant = det(matrix);
      if (determinant === 0n) continue;
      const sign = determinant < 0n ? -1n : 1n;
      const multipliers = bounds.map(() => 0n);
      for (const [column, j] of chosen.entries()) {
        const replaced = matrix.map((row, i) => row.with(column, at(index, cancelled[i] as number)));
        multipliers[j] = sign * det(replaced);
      }
      yield { multipliers, divisor: sign * determinant };
    }
  }
}

function at(form: Form | undefined, k: number): bigint {
  return form?.coefficients[k] ?? 0n;
}

/** Determinant by expansion; at most 4 x 4. */
function det(matrix: readonly (readonly bigint[])[]): bigint {
  const [first, ...below] = matrix;
  if (first === undefined) return 1n;
  return first.reduce((sum, value, column) => {
    if (value === 0n) return sum;
    const minor = det(below.map((row) => row.toSpliced(column, 1)));
    return column % 2 === 0 ? sum + value * minor : sum - value * minor;
  }, 0n);
}

function* combinations(values: readonly number[], size: number, from = 0): Generator<number[]> {
  if (size === 0) yield [];
  else
    for (let i = from; i <= values.length - size; i++)
      for (const rest of combinations(values, size - 1, i + 1)) yield [values[i] as number, ...rest];
}

function overVarying(form: AffineForm, varying: readonly number[]): Form {
  const all = [...form.out, ...form.reduce];
  return { offset: BigInt(form.offset), coefficients: varying.map((k) => BigInt(all[k] ?? 0)) };
}

function rangeOver(form: Form, highest: readonly bigint[]): Interval {
  let least = form.offset;
  let most = form.offset;
  for (const [k, coefficient] of form.coefficients.entries()) {
    const reach = coefficient * (highest[k] ?? 0n);
    if (reach < 0n) least += reach;
    else most += reach;
  }
  return { least, most };
}

function scale(form: Form, factor: bigint): Form {
  return { offset: form.offset * factor, coefficients: form.coefficients.map((value) => value * factor) };
}

function add(a: Form, b: Form): Form {
  return {
    offset: a.offset + b.offset,
    coefficients: a.coefficients.map((value, k) => value + at(b, k)),
  };
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}
