import type { Elementwise, Term } from "../elementwise.ts";
import { type Coefficients, polynomial, raise } from "./polynomial.ts";

/** e^u for |u| <= ln 2 / 2, relative error 2e-9 (scripts/minimax.ts; the first two coefficients are 1 to single precision). */
const EXP: Coefficients = [
  1, 1, 0.49999992021283196, 0.16666418964346744, 0.04166823325339707, 0.008374917389603692,
  0.001383671729377149,
];
/** e^u for u <= 0, good where e^(8u) counts: absolute error of that 2e-7. */
const EXP_NEGATIVE: Coefficients = [
  1, 0.9999972829486073, 0.4999231255200283, 0.16604575817829206, 0.03969534546518669, 0.005681128724143306,
];

/** 8 ln 2 in two parts: the first has so few bits that its products with small integers are exact. */
const STEP = 8 * Math.LN2;
const STEP_HIGH = 5.544921875;
const STEP_LOW = STEP - STEP_HIGH;
/** e^x is a power of two below 2^128 times 2^16 at most, and not below 2^-124. */
const LARGEST = 88.8;
const SMALLEST = -15.49 * STEP;
const CELLS_BELOW = 15;

/**
 * e^x = (2^m e^u)^8 with m = round(x / 8 ln 2) and u = x / 8 - m ln 2, |u| <= ln 2 / 2. Relative error below 1e-6; infinite where e^x is
 * beyond binary32, and 5e-38 for all x below -85.9: never 0 and never denormal.
 */
export function exp(kernel: Elementwise, x: Term): Term {
  const clipped = kernel.clip(x, SMALLEST, LARGEST);
  const m = kernel.round(kernel.mul(clipped, kernel.float(1 / STEP)));
  const high = kernel.sub(clipped, kernel.mul(m, kernel.float(STEP_HIGH)));
  const rest = kernel.sub(high, kernel.mul(m, kernel.float(STEP_LOW)));
  const power = kernel.powerOfTwo(kernel.add(m, kernel.float(CELLS_BELOW)));
  // u = rest / 8 and the table's 2^-15 are folded into the coefficients.
  const coefficients = EXP.map((c, k) => c * 2 ** (-3 * k - CELLS_BELOW));
  return raise(kernel, kernel.mul(polynomial(kernel, rest, coefficients), power), 3);
}

/** As far as e^x counts for a sum in fixed point. */
const NEGLIGIBLE = -17;

/**
 * e^x for x <= 0 as (e^(x / 8))^8: absolute error below 6e-7 at half the cost, 4e-8 for all x below -17, exactly 1 for 0. What is above 0
 * counts as 0.
 */
export function expOfNegative(kernel: Elementwise, x: Term): Term {
  const clipped = kernel.clip(x, NEGLIGIBLE, 0);
  const coefficients = EXP_NEGATIVE.map((c, k) => c * 2 ** (-3 * k));
  return raise(kernel, polynomial(kernel, clipped, coefficients), 3);
}
