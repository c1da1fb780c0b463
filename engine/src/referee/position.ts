import type { AffineForm, Operand } from "../program/instruction.ts";

/** What `flatIndexAt` gives for padding. */
export const OUT_OF_BOUNDS = -1;

/** The position with flat number `flat` in row-major dims, last dimension fastest. */
export function unflatten(flat: number, dims: readonly number[]): number[] {
  const position = dims.map(() => 0);
  for (let k = dims.length - 1; k >= 0; k--) {
    const dim = dims[k] as number;
    position[k] = flat % dim;
    flat = Math.floor(flat / dim);
  }
  return position;
}

/** Steps a position to the next one, in place; false, and back at zero, after the last. */
export function advance(position: number[], dims: readonly number[]): boolean {
  for (let k = dims.length - 1; k >= 0; k--) {
    const next = (position[k] as number) + 1;
    if (next < (dims[k] as number)) {
      position[k] = next;
      return true;
    }
    position[k] = 0;
  }
  return false;
}

/**
 * The operand's flat index at (o, r), `OUT_OF_BOUNDS` when a bound is not satisfied, or null when the index lies outside the
 * tensor: malformed.
 */
export function flatIndexAt(operand: Operand, o: readonly number[], r: readonly number[]): number | null {
  if (!isInBounds(operand, o, r)) return OUT_OF_BOUNDS;
  const flat = formAt(operand.map, o, r);
  return flat >= 0 && flat < operand.elements ? flat : null;
}

/** Whether all bounds of the operand are satisfied at (o, r). */
export function isInBounds(operand: Operand, o: readonly number[], r: readonly number[]): boolean {
  return operand.bounds.every((bound) => {
    const value = formAt(bound, o, r);
    return value >= 0 && value < bound.limit;
  });
}

/** Where `loadat` reads: map(o, r) + shift, or `OUT_OF_BOUNDS` when a bound is not satisfied or the tensor has no such element. */
export function shiftedIndexAt(
  operand: Operand,
  o: readonly number[],
  r: readonly number[],
  shift: bigint,
): number {
  if (!isInBounds(operand, o, r)) return OUT_OF_BOUNDS;
  const flat = formAtExactly(operand.map, o, r) + shift;
  return flat >= 0n && flat < BigInt(operand.elements) ? Number(flat) : OUT_OF_BOUNDS;
}

/** Value of a form; exact while it matters: beyond 2^53 in magnitude, where doubles round, BigInt decides. */
function formAt(form: AffineForm, o: readonly number[], r: readonly number[]): number {
  let value = form.offset;
  let magnitude = Math.abs(value);
  for (let k = 0; k < form.out.length; k++) {
    const term = (form.out[k] as number) * (o[k] as number);
    value += term;
    magnitude += Math.abs(term);
  }
  for (let k = 0; k < form.reduce.length; k++) {
    const term = (form.reduce[k] as number) * (r[k] as number);
    value += term;
    magnitude += Math.abs(term);
  }
  return magnitude < 2 ** 53 ? value : Number(formAtExactly(form, o, r));
}

function formAtExactly(form: AffineForm, o: readonly number[], r: readonly number[]): bigint {
  let value = BigInt(form.offset);
  for (const [k, coefficient] of form.out.entries()) value += BigInt(coefficient) * BigInt(o[k] as number);
  for (const [k, coefficient] of form.reduce.entries()) value += BigInt(coefficient) * BigInt(r[k] as number);
  return value;
}
