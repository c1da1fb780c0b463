/** All numbers from min to max, ends included; they may be infinite. Never holds NaN. */
export interface Interval {
  readonly min: number;
  readonly max: number;
}

export const ANY_FLOAT: Interval = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };

/** What a binary32 operation can give on intervals. Rounding is monotone, so the rounded ends bound every result. */
export interface Outcome extends Interval {
  /** Whether some operands give NaN. The interval bounds the other results. */
  readonly mayBeNaN: boolean;
}

function outcome(candidates: readonly number[], mayBeNaN: boolean): Outcome {
  const numbers = candidates.filter((value) => !Number.isNaN(value)).map(Math.fround);
  if (numbers.length === 0) return { ...ANY_FLOAT, mayBeNaN: true };
  return { min: Math.min(...numbers), max: Math.max(...numbers), mayBeNaN };
}

const isInfinite = ({ min, max }: Interval) => !Number.isFinite(min) || !Number.isFinite(max);
export const contains = ({ min, max }: Interval, value: number) => min <= value && value <= max;

function corners(a: Interval, b: Interval, operation: (x: number, y: number) => number): number[] {
  return [a.min, a.max].flatMap((x) => [b.min, b.max].map((y) => operation(x, y)));
}

export function addIntervals(a: Interval, b: Interval): Outcome {
  const opposed = (a.max === Infinity && b.min === -Infinity) || (a.min === -Infinity && b.max === Infinity);
  return outcome([a.min + b.min, a.max + b.max], opposed);
}

export function negateInterval({ min, max }: Interval): Interval {
  return { min: -max, max: -min };
}

export function mulIntervals(a: Interval, b: Interval): Outcome {
  const zeroTimesInfinity = (isInfinite(a) && contains(b, 0)) || (isInfinite(b) && contains(a, 0));
  const zero = zeroTimesInfinity ? [0] : [];
  return outcome([...corners(a, b, (x, y) => x * y), ...zero], zeroTimesInfinity);
}

export function divIntervals(a: Interval, b: Interval): Outcome {
  const bothInfinite = isInfinite(a) && isInfinite(b);
  if (contains(b, 0)) return { ...ANY_FLOAT, mayBeNaN: contains(a, 0) || bothInfinite };
  const zero = isInfinite(b) ? [0] : [];
  return outcome([...corners(a, b, (x, y) => x / y), ...zero], bothInfinite);
}

export function sqrtInterval({ min, max }: Interval): Outcome {
  return outcome([Math.sqrt(Math.max(0, min)), Math.sqrt(Math.max(0, max))], min < 0);
}

export function mapInterval({ min, max }: Interval, monotone: (value: number) => number): Interval {
  return { min: monotone(min), max: monotone(max) };
}

export function maxIntervals(a: Interval, b: Interval): Interval {
  return { min: Math.max(a.min, b.min), max: Math.max(a.max, b.max) };
}

export function minIntervals(a: Interval, b: Interval): Interval {
  return { min: Math.min(a.min, b.min), max: Math.min(a.max, b.max) };
}

export function unionInterval(a: Interval, b: Interval): Interval {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}

export function absInterval({ min, max }: Interval): Interval {
  const least = min <= 0 && max >= 0 ? 0 : Math.min(Math.abs(min), Math.abs(max));
  return { min: least, max: Math.max(Math.abs(min), Math.abs(max)) };
}
