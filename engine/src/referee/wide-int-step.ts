import { assertNever } from "@surety/protocol";
import { doubleFromWords, type Words, wordsOf } from "./block-values.ts";
import type { Loop } from "./float-step.ts";
import type { IntOpcode } from "./int-step.ts";

type Ints = Int32Array | BigInt64Array;
type WordLoop = (z: Int32Array, x: Int32Array, y: Int32Array, count: number) => void;

/** z = code(x, y) over ints some of which need 64 bits. */
export function wideIntStep(code: IntOpcode, z: Ints, x: Ints, y: Ints): Loop {
  const [left, right, result] = [wordsOf(x), wordsOf(y), wordsOf(z)];
  const loop = wordLoop(code, result, left, right);
  return (count) => {
    left.load(count);
    right.load(count);
    loop(result.words, left.words, right.words, count);
    result.store(count);
  };
}

function wordLoop(code: IntOpcode, result: Words, left: Words, right: Words): WordLoop {
  switch (code) {
    case "iadd":
      return (z, x, y, count) => {
        for (let i = 0; i < 2 * count; i += 2) put(z, i, (x[i] as number) + (y[i] as number));
      };
    case "isub":
      return (z, x, y, count) => {
        for (let i = 0; i < 2 * count; i += 2) put(z, i, (x[i] as number) - (y[i] as number));
      };
    case "imul":
      return (z, x, y, count) => {
        for (let i = 0; i < 2 * count; i += 2) put(z, i, Math.imul(x[i] as number, y[i] as number));
      };
    case "ladd":
      return (z, x, y, count) => {
        for (let i = 0; i < 2 * count; i += 2) {
          const low = ((x[i] as number) >>> 0) + ((y[i] as number) >>> 0);
          z[i] = low;
          z[i + 1] = (x[i + 1] as number) + (y[i + 1] as number) + (low >= 2 ** 32 ? 1 : 0);
        }
      };
    case "lsub":
      return (z, x, y, count) => {
        for (let i = 0; i < 2 * count; i += 2) {
          const low = ((x[i] as number) >>> 0) - ((y[i] as number) >>> 0);
          z[i] = low;
          z[i + 1] = (x[i + 1] as number) - (y[i + 1] as number) - (low < 0 ? 1 : 0);
        }
      };
    case "lmul":
      return multiply;
    case "imax":
      return (z, x, y, count) => {
        for (let i = 0; i < 2 * count; i += 2) copy(z, isLess(x, y, i) ? y : x, i);
      };
    case "imin":
      return (z, x, y, count) => {
        for (let i = 0; i < 2 * count; i += 2) copy(z, isLess(x, y, i) ? x : y, i);
      };
    case "ilt":
      return (z, x, y, count) => {
        for (let i = 0; i < 2 * count; i += 2) put(z, i, isLess(x, y, i) ? 1 : 0);
      };
    case "ieq":
      return (z, x, y, count) => {
        for (let i = 0; i < 2 * count; i += 2) put(z, i, x[i] === y[i] && x[i + 1] === y[i + 1] ? 1 : 0);
      };
    case "idiv":
    case "imod":
      return divide(code, result, left, right);
    default:
      return assertNever(code);
  }
}

/** The low 32 bits of an integer below 2^53 in magnitude, sign-extended. */
function put(z: Int32Array, i: number, value: number): void {
  z[i] = value;
  z[i + 1] = (value | 0) >> 31;
}

function copy(z: Int32Array, x: Int32Array, i: number): void {
  z[i] = x[i] as number;
  z[i + 1] = x[i + 1] as number;
}

function isLess(x: Int32Array, y: Int32Array, i: number): boolean {
  const [high, other] = [x[i + 1] as number, y[i + 1] as number];
  return high !== other ? high < other : (x[i] as number) >>> 0 < (y[i] as number) >>> 0;
}

/** Schoolbook: the product of the low words in two halves, so that each stays below 2^49, plus the cross products mod 2^32. */
const multiply: WordLoop = (z, x, y, count) => {
  for (let i = 0; i < 2 * count; i += 2) {
    const a = (x[i] as number) >>> 0;
    const b = (y[i] as number) >>> 0;
    const upper = a * (b >>> 16) + Math.floor((a * (b & 0xffff)) / 2 ** 16);
    const cross = Math.imul(x[i + 1] as number, b) + Math.imul(a, y[i + 1] as number);
    z[i] = Math.imul(a, b);
    z[i + 1] = Math.floor(upper / 2 ** 16) + cross;
  }
};

/** Doubles where both are below 2^53 (their remainder is exact, and so is the quotient of what it leaves), bigints elsewhere. */
function divide(code: "idiv" | "imod", result: Words, left: Words, right: Words): WordLoop {
  const [zs, xs, ys] = [bigView(result), bigView(left), bigView(right)];
  return (z, x, y, count) => {
    for (let i = 0; i < count; i++) {
      const a = doubleFromWords(x[2 * i] as number, x[2 * i + 1] as number);
      const b = doubleFromWords(y[2 * i] as number, y[2 * i + 1] as number);
      if (b === 0) {
        zs[i] = 0n;
      } else if (Math.abs(a) < 2 ** 53 && Math.abs(b) < 2 ** 53) {
        const remainder = a % b;
        const value = code === "idiv" ? (a - remainder) / b : remainder;
        z[2 * i] = value;
        z[2 * i + 1] = Math.floor(value / 2 ** 32);
      } else {
        const [p, q] = [xs[i] as bigint, ys[i] as bigint];
        zs[i] = code === "idiv" ? p / q : p % q;
      }
    }
  };
}

function bigView({ words }: Words): BigInt64Array {
  return new BigInt64Array(words.buffer, words.byteOffset, words.length / 2);
}
