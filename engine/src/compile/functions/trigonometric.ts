import type { Elementwise, Term } from "../elementwise.ts";
import { type Coefficients, polynomial } from "./polynomial.ts";

/** sin(r) / r in r^2, |r| <= pi / 2, relative error 6e-9 (scripts/minimax.ts). */
const SINE: Coefficients = [
  0.9999999945437046, -0.1666665647300093, 0.008333020307675573, -0.00019807068937931877,
  0.0000026011199075409054,
];
/** pi in three parts; products of the first two with integers and halves below 2^14 are exact. */
const PI_HIGH = 3.140625;
const PI_MIDDLE = 0.0009670257568359375;
const PI_LOW = Math.PI - PI_HIGH - PI_MIDDLE;
/** Beyond this an argument counts as this: neighbouring binary32 numbers are too far apart to say much about an angle anyway. */
const LARGEST = 50_000;

/** Absolute error below 4e-7 for |x| <= 50,000. */
export const sin = (kernel: Elementwise, x: Term) => sineOfShifted(kernel, x, 0);
/** Absolute error below 4e-7 for |x| <= 50,000. */
export const cos = (kernel: Elementwise, x: Term) => sineOfShifted(kernel, x, 0.5);

/** sin(x + shift pi): with n = round(x / pi + shift), it is sin(x - (n - shift) pi), negated for odd n. */
function sineOfShifted(kernel: Elementwise, x: Term, shift: 0 | 0.5): Term {
  const clipped = kernel.clip(x, -LARGEST, LARGEST);
  const turns = kernel.mul(clipped, kernel.float(1 / Math.PI));
  const n = kernel.round(shift === 0 ? turns : kernel.add(turns, kernel.float(shift)));
  const halfTurns = shift === 0 ? n : kernel.sub(n, kernel.float(shift));
  let rest = clipped;
  for (const part of [PI_HIGH, PI_MIDDLE, PI_LOW])
    rest = kernel.sub(rest, kernel.mul(halfTurns, kernel.float(part)));
  const square = kernel.mul(rest, rest);
  const sine = kernel.mul(rest, polynomial(kernel, square, SINE));
  // n / 2 is off an integer by 0 or a half; 1 - 8 (1/2)^2 = -1.
  const half = kernel.mul(n, kernel.float(0.5));
  const odd = kernel.sub(half, kernel.round(half));
  const sign = kernel.sub(kernel.float(1), kernel.mul(kernel.mul(odd, odd), kernel.float(8)));
  return kernel.mul(sine, sign);
}
