/**
 * Derives the coefficients of engine/src/compile/functions: near-minimax polynomials and rational functions, found by Lawson's
 * reweighted least squares (Lawson 1961; for the denominator, each step divides by the last one's, after Sanathanan and Koerner 1963).
 *
 * Run it to print them: `node scripts/minimax.ts`.
 */

import { erf, erfc } from "../engine/src/compile/prepare/erf.ts";

interface Fit {
  /** What is approximated, as a function of z. */
  readonly f: (z: number) => number;
  /** The error is weighed by this: 1 for absolute errors, 1 / |f| for relative ones. */
  readonly weight: (z: number) => number;
  readonly from: number;
  readonly to: number;
  readonly numerator: number;
  /** Degree of the denominator; 0 for a polynomial. */
  readonly denominator: number;
}

interface Rational {
  /** Coefficients of z^0, z^1, ...; the denominator's last is 1. */
  readonly numerator: number[];
  readonly denominator: number[];
  /** Largest weighted error, with exact arithmetic. */
  readonly error: number;
}

const POINTS = 600;
const STEPS = 150;

export function fitRational({ f, weight, from, to, numerator, denominator }: Fit): Rational {
  const half = (to - from) / 2;
  const t = Array.from({ length: POINTS }, (_, k) => -Math.cos((Math.PI * (k + 0.5)) / POINTS));
  const z = t.map((value) => from + half * (value + 1));
  const values = z.map(f);
  const weights = z.map(weight);
  let lawson = z.map(() => 1);
  let last = z.map(() => 1);
  let best: { p: number[]; q: number[]; error: number } = { p: [], q: [], error: Number.POSITIVE_INFINITY };
  for (let step = 0; step < STEPS; step++) {
    const rows = t.map((at, i) => {
      const scale = (Math.sqrt(lawson[i] as number) * (weights[i] as number)) / Math.abs(last[i] as number);
      const value = values[i] as number;
      const p = chebyshev(at, numerator).map((term) => term * scale);
      const q = chebyshev(at, denominator)
        .slice(1)
        .map((term) => -value * term * scale);
      return { row: [...p, ...q], right: value * scale };
    });
    const solution = leastSquares(
      rows.map(({ row }) => row),
      rows.map(({ right }) => right),
    );
    const p = solution.slice(0, numerator + 1);
    const q = [1, ...solution.slice(numerator + 1)];
    last = t.map((at) => dot(chebyshev(at, denominator), q));
    const errors = t.map((at, i) =>
      Math.abs(
        (dot(chebyshev(at, numerator), p) / (last[i] as number) - (values[i] as number)) *
          (weights[i] as number),
      ),
    );
    const error = Math.max(...errors);
    if (error < best.error) best = { p, q, error };
    const total = lawson.reduce((sum, value, i) => sum + value * (errors[i] as number), 0);
    lawson = lawson.map((value, i) => (value * (errors[i] as number)) / total + 1e-30);
  }
  const p = toPowers(best.p, from, half);
  const q = toPowers(best.q, from, half);
  const lead = q.at(-1) as number;
  return { numerator: p.map((c) => c / lead), denominator: q.map((c) => c / lead), error: best.error };
}

function chebyshev(t: number, degree: number): number[] {
  const terms = [1, t];
  for (let k = 2; k <= degree; k++) terms.push(2 * t * (terms[k - 1] as number) - (terms[k - 2] as number));
  return terms.slice(0, degree + 1);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, k) => sum + value * (b[k] as number), 0);
}

/** From Chebyshev polynomials of t = (z - from) / half - 1 to powers of z. */
function toPowers(coefficients: readonly number[], from: number, half: number): number[] {
  const t = [-from / half - 1, 1 / half];
  const times = (a: readonly number[], b: readonly number[]) => {
    const result = new Array<number>(a.length + b.length - 1).fill(0);
    a.forEach((x, i) => {
      b.forEach((y, j) => {
        result[i + j] = (result[i + j] as number) + x * y;
      });
    });
    return result;
  };
  const basis: number[][] = [[1], t];
  for (let k = 2; k < coefficients.length; k++) {
    const next = times(basis[k - 1] as number[], t).map((value) => 2 * value);
    basis.push(next.map((value, i) => value - (basis[k - 2]?.[i] ?? 0)));
  }
  return coefficients.map((_, power) =>
    coefficients.reduce((sum, c, k) => sum + c * (basis[k]?.[power] ?? 0), 0),
  );
}

/** Householder QR. */
function leastSquares(rows: readonly (readonly number[])[], right: readonly number[]): number[] {
  const a = rows.map((row) => [...row]);
  const b = [...right];
  const columns = a[0]?.length ?? 0;
  const at = (i: number, j: number) => a[i]?.[j] as number;
  for (let j = 0; j < columns; j++) {
    let norm = 0;
    for (let i = j; i < a.length; i++) norm += at(i, j) ** 2;
    norm = Math.sqrt(norm) * (at(j, j) > 0 ? -1 : 1);
    const v = a.map((row, i) => (i < j ? 0 : (row[j] as number) - (i === j ? norm : 0)));
    const length = v.reduce((sum, value) => sum + value * value, 0);
    if (length === 0) continue;
    const reflect = (get: (i: number) => number, set: (i: number, value: number) => void) => {
      let sum = 0;
      for (let i = j; i < a.length; i++) sum += (v[i] as number) * get(i);
      for (let i = j; i < a.length; i++) set(i, get(i) - (2 * sum * (v[i] as number)) / length);
    };
    for (let k = j; k < columns; k++) {
      reflect(
        (i) => at(i, k),
        (i, value) => {
          (a[i] as number[])[k] = value;
        },
      );
    }
    reflect(
      (i) => b[i] as number,
      (i, value) => {
        b[i] = value;
      },
    );
  }
  const solution = new Array<number>(columns).fill(0);
  for (let j = columns - 1; j >= 0; j--) {
    let rest = b[j] as number;
    for (let k = j + 1; k < columns; k++) rest -= at(j, k) * (solution[k] as number);
    solution[j] = rest / at(j, j);
  }
  return solution;
}

/** f(x) / x as a function of z = x^2, for odd f. */
const odd = (f: (x: number) => number, slope: number) => (z: number) =>
  z < 1e-12 ? slope : f(Math.sqrt(z)) / Math.sqrt(z);
const relative = (f: (z: number) => number) => (z: number) => 1 / Math.abs(f(z));

const absolute = Math.sqrt;
const tanh = odd(Math.tanh, 1);
const halfTanh = odd((x) => Math.tanh(x / 2) / 2, 1 / 4);
const erfOdd = odd(erf, 2 / Math.sqrt(Math.PI));
/** 1/2 - erf(t / sqrt 2) / 2 for t >= 0, by the same continued fraction beyond 3. */
const normalTail = (t: number) => (t < 3 ? 0.5 - erf(t / Math.SQRT2) / 2 : erfc(t / Math.SQRT2) / 2);
const geluTanh = odd(
  (x) => Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)) / 2,
  1 / Math.sqrt(2 * Math.PI),
);
const sine = odd(Math.sin, 1);
const logarithm = odd((s) => Math.log((1 + s) / (1 - s)), 2);
const softplusTail = (t: number) => Math.log1p(Math.exp(-t));

/** f over [from, to] by polynomials of these degrees. */
function approximation(
  f: Fit["f"],
  weight: Fit["weight"],
  [from, to]: readonly [number, number],
  [numerator, denominator]: readonly [number, number],
): Fit {
  return { f, weight, from, to, numerator, denominator };
}

/** By the names the constants have in engine/src/compile/functions. */
export const FITS: Readonly<Record<string, Fit>> = {
  "EXP: e^u": approximation(Math.exp, relative(Math.exp), [-0.347, 0.347], [6, 0]),
  // What counts is the absolute error of e^(8u).
  "EXP_NEGATIVE: (e^u - 1) / u": approximation(
    (u) => (Math.abs(u) < 1e-9 ? 1 : Math.expm1(u) / u),
    (u) => 8 * Math.abs(u) * Math.exp(7 * u),
    [-17.1 / 8, 0],
    [4, 0],
  ),
  "TANH: tanh(x) / x in x^2": approximation(tanh, relative(tanh), [0, 81], [4, 4]),
  "SIGMOID: tanh(x / 2) / 2x in x^2": approximation(halfTanh, absolute, [0, 300], [4, 4]),
  "ERF: erf(x) / x in x^2": approximation(erfOdd, relative(erfOdd), [0, 15.2], [5, 5]),
  // What counts is the absolute error of t times its 16th power.
  "GELU_TAIL: (1/2 - erf(t / sqrt 2) / 2)^(1/16)": approximation(
    (t) => normalTail(t) ** (1 / 16),
    (t) => 16 * Math.max(t, 1e-3) * normalTail(t) ** (15 / 16),
    [0, 5.2],
    [5, 0],
  ),
  "GELU_TANH: tanh(sqrt(2 / pi) (x + 0.044715 x^3)) / 2x in x^2": approximation(
    geluTanh,
    absolute,
    [0, 23],
    [5, 4],
  ),
  "SOFTPLUS: ln(1 + e^-t)": approximation(softplusTail, () => 1, [0, 17], [5, 6]),
  "LOG: ln((1 + s) / (1 - s)) / s in s^2": approximation(logarithm, relative(logarithm), [0, 0.149], [4, 0]),
  "LOG_EXPONENT: 64 log2((1 + s) / (1 - s)) / s in s^2": approximation(
    (z) => (logarithm(z) / Math.LN2) * 64,
    absolute,
    [0, 1 / 9],
    [1, 0],
  ),
  "SINE: sin(r) / r in r^2": approximation(sine, relative(sine), [0, 2.48], [4, 0]),
};

if (import.meta.main) {
  for (const [name, fit] of Object.entries(FITS)) {
    const { numerator, denominator, error } = fitRational(fit);
    console.log(`${name}: error ${error.toExponential(2)}`);
    console.log(`  numerator ${numerator.join(", ")}`);
    if (denominator.length > 1) console.log(`  denominator ${denominator.join(", ")}`);
  }
}
