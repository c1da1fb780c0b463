import type { Elementwise, Term } from "../elementwise.ts";
import { type Coefficients, type OddRational, oddRational, polynomial, raise } from "./polynomial.ts";

/** tanh, relative error 3e-7 (coefficients here and below: scripts/minimax.ts). */
const TANH: OddRational = {
  bound: 9,
  numerator: [
    1285914.4100613133, 172068.5590940843, 4495.029246919426, 26.501541581092937, 0.017172972774961468,
  ],
  denominator: [1285914.4364759799, 600706.4765230613, 33275.59316122062, 422.50481833681937, 1],
};
/** tanh(x / 2) / 2 = sigmoid(x) - 1/2, absolute error 1e-7. */
const SIGMOID: OddRational = {
  bound: 17.3,
  numerator: [
    80465821.12682784, 2694747.4481588146, 17668.97529701718, 26.293480572520032, 0.004337855674035684,
  ],
  denominator: [321863305.4804242, 37600911.029695936, 521897.0187987296, 1667.231908738698, 1],
};
/** Relative error 3e-7. */
const ERF: OddRational = {
  bound: 3.89,
  numerator: [
    29476.03851645752, 4953.353025826246, 1375.688165028883, 97.61011700269344, 7.446819846416587,
    0.05400831540315733,
  ],
  denominator: [
    26122.459437213318, 13097.266963805643, 2972.7563650557563, 389.5077455238479, 30.225049078873617, 1,
  ],
};
/** (1 - Phi(t))^(1/16) for 0 <= t <= 5.2, Phi the normal distribution's: absolute error 6e-7 of t times its 16th power. */
const GELU_TAIL: Coefficients = [
  0.9576056907683457, -0.047779847342080004, -0.01776715335896484, -0.0013962463698849908,
  0.0006922370118137523, -0.00004552035223568197,
];
const GELU_TAIL_END = 5.2;
/** tanh(sqrt(2 / pi) (x + 0.044715 x^3)) / 2, absolute error 2e-7. */
const GELU_TANH: OddRational = {
  bound: 4.79,
  numerator: [
    6284.164169540637, 580.3159624630791, 55.41753047051138, 2.4254676045981607, 0.04777509112624909,
    -0.00019016643106196043,
  ],
  denominator: [15752.071821799185, 4092.9242588021802, 421.73015562115023, 21.05796720683751, 1],
};
/** ln(1 + e^-t) for 0 <= t <= 17, absolute error 1e-7. */
const SOFTPLUS: { bound: number; numerator: Coefficients; denominator: Coefficients } = {
  bound: 17,
  numerator: [
    8142.52072824979, -2512.8052319807903, 318.9521820834343, -20.74346287957874, 0.6886874672922685,
    -0.009302570629709728,
  ],
  denominator: [
    11747.174556565535, 4848.564856108171, 1839.4038985403138, 421.712914378031, 63.5080623749157,
    4.0391526472341965, 1,
  ],
};

export const tanh = (kernel: Elementwise, x: Term) => oddRational(kernel, x, TANH);
export const erf = (kernel: Elementwise, x: Term) => oddRational(kernel, x, ERF);

export function sigmoid(kernel: Elementwise, x: Term): Term {
  return kernel.add(oddRational(kernel, x, SIGMOID), kernel.float(0.5));
}

/** x Phi(x), Phi the normal distribution's; `tanh` is the approximation of that name. */
export function gelu(kernel: Elementwise, x: Term, approximation: "none" | "tanh"): Term {
  if (approximation === "none") return geluByTail(kernel, x);
  // Far below 0 the result is that at the bound, -1e-6 at most.
  const bounded = kernel.clip(x, -GELU_TANH.bound, LARGEST);
  return kernel.mul(bounded, kernel.add(oddRational(kernel, bounded, GELU_TANH), kernel.float(0.5)));
}

/** max(x, 0) - t (1 - Phi(t)) with t = |x|: squarings are cheaper than a division and a second polynomial. Absolute error 9e-7. */
function geluByTail(kernel: Elementwise, x: Term): Term {
  const distance = kernel.min(kernel.abs(x), kernel.float(GELU_TAIL_END));
  const tail = raise(kernel, polynomial(kernel, distance, GELU_TAIL), 4);
  return kernel.sub(kernel.max(x, kernel.float(0)), kernel.mul(distance, tail));
}

/** Infinity times 0 is no number: functions that multiply x by something that tends to 0 take infinities for this. */
export const LARGEST = 2 ** 128 * (1 - 2 ** -24);

/**
 * e^x - 1 for x <= 0, accurate near 0 too: 2 tanh(x/2) / (1 - tanh(x/2)) = 2 N / (D - N) with tanh(x/2) = N / D. Relative error 1e-6. What is
 * above 0 counts as 0.
 */
export function expMinus1OfNegative(kernel: Elementwise, x: Term): Term {
  const { bound, numerator, denominator } = TANH;
  const clipped = kernel.clip(x, -2 * bound, 0);
  const square = kernel.mul(clipped, clipped);
  const halved = (coefficients: Coefficients) => coefficients.map((c, k) => c / 4 ** k);
  const n = kernel.mul(clipped, polynomial(kernel, square, halved(numerator)));
  // With N' = 2 N: N' / (D - N' / 2).
  const d = polynomial(kernel, square, halved(denominator));
  return kernel.div(n, kernel.sub(d, kernel.mul(n, kernel.float(0.5))));
}

/** ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|). */
export function softplus(kernel: Elementwise, x: Term): Term {
  const distance = kernel.clip(kernel.abs(x), 0, SOFTPLUS.bound);
  const tail = kernel.div(
    polynomial(kernel, distance, SOFTPLUS.numerator),
    polynomial(kernel, distance, SOFTPLUS.denominator),
  );
  return kernel.add(kernel.max(x, kernel.float(0)), tail);
}
