import type { Elementwise, Term } from "../elementwise.ts";
import { type Coefficients, polynomial } from "./polynomial.ts";

/** ln((1 + s) / (1 - s)) / s in s^2, s^2 <= 0.149, relative error 2e-8 (scripts/minimax.ts). */
const LOG: Coefficients = [
  2.000000037958451, 0.6666541451540675, 0.4006567857784254, 0.2738194069821783, 0.30711148665770954,
];
/** 64 log2((1 + s) / (1 - s)) / s in s^2, s^2 <= 1/9, good enough to be rounded to an integer. */
const LOG_EXPONENT: Coefficients = [184.5028658781521, 67.177556451842];

/** c - (c - y) with c = y (2^23 + 1) keeps one bit of y (Veltkamp's splitting): the power of two nearest to it. */
const SPLITTER = 2 ** 23 + 1;
const SMALLEST = 2 ** -126;
const LARGEST = 2 ** 128 * (1 - 2 ** -24);

/**
 * ln x = j ln 4 + ln f, with q = 2^j the power of two nearest to the square root of x and f = x / q^2. j comes from q^(1/64), ln f from a
 * polynomial in s = (f - 1) / (f + 1). Relative error below 1e-6 for x other than near 1, absolute below 1e-7 there. What is below 2^-126
 * (0 and negative numbers too) counts as 2^-126, infinity as the largest number.
 */
export function log(kernel: Elementwise, x: Term): Term {
  const clipped = kernel.clip(x, SMALLEST, LARGEST);
  const root = kernel.sqrt(clipped);
  const scaled = kernel.mul(root, kernel.float(SPLITTER));
  // The maximum and the minimum change nothing: they say so to the ranges, which know neither q nor f well.
  const q = kernel.max(kernel.sub(scaled, kernel.sub(scaled, root)), kernel.float(2 ** -63));
  const f = kernel.min(kernel.div(kernel.div(clipped, q), q), kernel.float(4));
  let sixtyFourth = q;
  for (let k = 0; k < 6; k++) sixtyFourth = kernel.sqrt(sixtyFourth);
  const j = kernel.round(ofQuotient(kernel, sixtyFourth, LOG_EXPONENT));
  return kernel.add(kernel.mul(j, kernel.float(2 * Math.LN2)), ofQuotient(kernel, f, LOG));
}

/** s P(s^2) with s = (f - 1) / (f + 1). */
function ofQuotient(kernel: Elementwise, f: Term, coefficients: Coefficients): Term {
  const one = kernel.float(1);
  const s = kernel.div(kernel.sub(f, one), kernel.add(f, one));
  return kernel.mul(s, polynomial(kernel, kernel.mul(s, s), coefficients));
}
