import type { Bound, Instruction } from "./instruction.ts";

/** Positions a check may visit: more than any window of a real model needs. */
const MOST_POSITIONS = 2 ** 26;

/**
 * True when for every output position some reduction position of operand 0 is in bounds, so that a maximum or minimum is never empty.
 *
 * Bounds that share no reduction dimension are satisfied independently of each other, so each group of bounds that do share one is enumerated
 * over the dimensions it names: for a padded 2-D pooling window that is rows x window rows, then columns x window columns. Exact.
 * The forms must be exact in doubles.
 *
 * @returns False also when there are too many positions to visit.
 */
export function extremumNeverEmpty(instruction: Instruction): boolean {
  const bounds = instruction.operands[0]?.bounds ?? [];
  return groupBySharedReduction(bounds, instruction.reduceDims).every((group) => {
    const outDims = named(group, instruction.outDims, (bound) => bound.out);
    const reduceDims = named(group, instruction.reduceDims, (bound) => bound.reduce);
    if (product(outDims) * product(reduceDims) > MOST_POSITIONS) return false;
    for (const o of positions(outDims)) {
      if (!someInBounds(group, o, reduceDims)) return false;
    }
    return true;
  });
}

function someInBounds(group: readonly Bound[], o: readonly number[], reduceDims: readonly number[]): boolean {
  const bases = group.map((bound) => dot(bound.out, o) + bound.offset);
  for (const r of positions(reduceDims)) {
    const inside = group.every((bound, j) => {
      const value = (bases[j] as number) + dot(bound.reduce, r);
      return value >= 0 && value < bound.limit;
    });
    if (inside) return true;
  }
  return false;
}

function groupBySharedReduction(bounds: readonly Bound[], reduceDims: readonly number[]): Bound[][] {
  let groups: Bound[][] = [];
  for (const bound of bounds) {
    const shares = (group: Bound[]) =>
      group.some((other) =>
        reduceDims.some((dim, k) => dim > 1 && bound.reduce[k] !== 0 && other.reduce[k] !== 0),
      );
    groups = [...groups.filter((group) => !shares(group)), [bound, ...groups.filter(shares).flat()]];
  }
  return groups;
}

/** The dims, with 1 for those that no bound of the group looks at. */
function named(
  group: readonly Bound[],
  dims: readonly number[],
  coefficients: (bound: Bound) => readonly number[],
): number[] {
  return dims.map((dim, k) => (group.some((bound) => coefficients(bound)[k] !== 0) ? dim : 1));
}

/** Every position of the box, in place: the same array is yielded each time. */
function* positions(dims: readonly number[]): Generator<readonly number[]> {
  const position = dims.map(() => 0);
  while (true) {
    yield position;
    let k = dims.length - 1;
    while (k >= 0 && position[k] === (dims[k] as number) - 1) position[k--] = 0;
    if (k < 0) return;
    position[k] = (position[k] as number) + 1;
  }
}

function dot(coefficients: readonly number[], position: readonly number[]): number {
  return coefficients.reduce((sum, coefficient, k) => sum + coefficient * (position[k] ?? 0), 0);
}

function product(dims: readonly number[]): number {
  return dims.reduce((value, dim) => value * dim, 1);
}
