import type { Elementwise, Term } from "../elementwise.ts";

/** Coefficients of z^0, z^1, ... A last one of exactly 1 costs no multiplication. */
export type Coefficients = readonly number[];

/** By Horner's rule: a multiplication and an addition per degree. */
export function polynomial(kernel: Elementwise, z: Term, coefficients: Coefficients): Term {
  const [lead, ...rest] = [...coefficients].reverse() as [number, ...number[]];
  let sum: Term | undefined;
  for (const coefficient of rest) {
    const raised = sum ? kernel.mul(sum, z) : lead === 1 ? z : kernel.mul(z, kernel.float(lead));
    sum = kernel.add(raised, kernel.float(coefficient));
  }
  return sum ?? kernel.float(lead);
}

/** a^(2^squarings). */
export function raise(kernel: Elementwise, a: Term, squarings: number): Term {
  let result = a;
  for (let k = 0; k < squarings; k++) result = kernel.mul(result, result);
  return result;
}

/** An odd function as x P(x^2) / Q(x^2). The coefficients of Q are positive, so that it is never 0. */
export interface OddRational {
  /** The formula is for |x| up to this; beyond, the function is what it is there. */
  readonly bound: number;
  readonly numerator: Coefficients;
  readonly denominator: Coefficients;
}

/** The value of an odd rational function, saturating at its bound. */
export function oddRational(
  kernel: Elementwise,
  x: Term,
  { bound, numerator, denominator }: OddRational,
): Term {
  const clipped = kernel.clip(x, -bound, bound);
  const square = kernel.mul(clipped, clipped);
  const above = kernel.mul(clipped, polynomial(kernel, square, numerator));
  return kernel.div(above, polynomial(kernel, square, denominator));
}
