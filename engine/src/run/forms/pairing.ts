/**
 * Which int8 weights may lie side by side. `pmaddubsw` multiplies unsigned activations by signed weights and adds each two neighbouring products in
 * 16 bits, saturating: 255 * 128 = 32,640 fits, 255 * 129 does not. So two weights are harmless together, whatever the activations, unless both have the same
 * sign and their magnitudes add up to more than 128.
 *
 * Weights are given as columns: of each input channel, all weights that multiply it, in the same order in each. This is where the search for an order gets its
 * idea of the kernel from; that the kernel is exact is not concluded from it, but probed (`layerProbe.ts`).
 */
export type Column = Int8Array;

const LARGEST_PAIR_SUM = 128;
const HALF = LARGEST_PAIR_SUM / 2;

/** Columns as input channels are laid out for a product. */
export interface Arrangement {
  /** The input channel that each column multiplies; one may come several times, its weights shared out. */
  readonly channels: readonly number[];
  readonly columns: readonly Column[];
}

/** Whether columns 0 and 1, 2 and 3... are harmless together. */
export function areNeighboursHarmless(columns: readonly Column[]): boolean {
  const large = columns.map(largeRows);
  for (let k = 0; k + 1 < columns.length; k += 2) if (!areHarmless(columns, large, k, k + 1)) return false;
  return true;
}

/**
 * Columns in an order, pair by pair, in which neighbours are harmless. Columns that find no partner are put in pairs all the same, and what is too much of the
 * second goes into a column of its own: w = w1 + w2 over the same channel twice.
 */
export function arrange(columns: readonly Column[], channels = [...columns.keys()]): Arrangement {
  const { pairs, single } = matchHarmless(columns);
  const order = pairs.flat();
  const placed = {
    channels: order.map((k) => channels[k] as number),
    columns: order.map((k) => columns[k] as Column),
  };
  const rest: { channels: number[]; columns: Column[] } = { channels: [], columns: [] };
  for (let at = 0; at < single.length; at += 2) {
    const [a, b] = [single[at] as number, single[at + 1]];
    if (b === undefined) {
      rest.channels.push(channels[a] as number);
      rest.columns.push(columns[a] as Column);
      continue;
    }
    const [kept, excess] = shareOut(columns[b] as Column, columns[a] as Column);
    placed.channels.push(channels[a] as number, channels[b] as number);
    placed.columns.push(columns[a] as Column, kept);
    rest.channels.push(channels[b] as number);
    rest.columns.push(excess);
  }
  // Half as many or one less in each call; the last one stays alone.
  const tail = single.length > 1 ? arrange(rest.columns, rest.channels) : rest;
  return {
    channels: [...placed.channels, ...tail.channels],
    columns: [...placed.columns, ...tail.columns],
  };
}

/** A column in two: what is harmless beside a neighbour, and the rest. */
function shareOut(column: Column, neighbour: Column): [Column, Column] {
  const kept = column.map((weight, row) => {
    const beside = neighbour[row] as number;
    const low = Math.min(0, -LARGEST_PAIR_SUM - beside);
    return Math.max(low, Math.min(Math.max(0, LARGEST_PAIR_SUM - beside), weight));
  });
  return [kept, column.map((weight, row) => weight - (kept[row] as number))];
}

/** Rows of the weights over 64: one of two harmful ones is of them. */
function largeRows(column: Column): Int32Array {
  const rows: number[] = [];
  for (let row = 0; row < column.length; row++) {
    const weight = column[row] as number;
    if (weight > HALF || weight < -HALF) rows.push(row);
  }
  return Int32Array.from(rows);
}

/** Loops, for there are half a million pairs in a layer of a thousand channels. */
function areHarmless(
  columns: readonly Column[],
  large: readonly Int32Array[],
  a: number,
  b: number,
): boolean {
  const [left, right] = [columns[a] as Column, columns[b] as Column];
  return (
    areHarmlessAt(left, right, large[a] as Int32Array) && areHarmlessAt(left, right, large[b] as Int32Array)
  );
}

function areHarmlessAt(left: Column, right: Column, rows: Int32Array): boolean {
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at] as number;
    const sum = (left[row] as number) + (right[row] as number);
    if (sum > LARGEST_PAIR_SUM || sum < -LARGEST_PAIR_SUM) return false;
  }
  return true;
}

/**
 * A matching of harmless columns, as large as alternating paths make it (which is the largest, or nearly: no path is looked for through an odd cycle). Columns
 * with the most large weights choose first, each the worst that goes with it; most pairs of columns are never looked at.
 */
function matchHarmless(columns: readonly Column[]): { pairs: [number, number][]; single: number[] } {
  const large = columns.map(largeRows);
  const worstFirst = [...columns.keys()].sort((a, b) => (large[b]?.length ?? 0) - (large[a]?.length ?? 0));
  const mates = new Map<number, number>();
  const join = (a: number, b: number) => mates.set(a, b).set(b, a);
  for (const column of worstFirst) {
    if (mates.has(column)) continue;
    const free = (other: number) => other !== column && !mates.has(other);
    const mate = worstFirst.find((other) => free(other) && areHarmless(columns, large, column, other));
    if (mate !== undefined) join(column, mate);
  }
  const known = new Map<number, number[]>();
  const partners = (column: number) => {
    const found =
      known.get(column) ??
      worstFirst.filter((other) => other !== column && areHarmless(columns, large, column, other));
    known.set(column, found);
    return found;
  };
  for (const column of worstFirst) if (!mates.has(column)) augment(column, partners, mates, join);
  return {
    pairs: [...mates].filter(([a, b]) => a < b).sort(([a], [b]) => a - b),
    single: worstFirst.filter((column) => !mates.has(column)),
  };
}

/** Finds a path from a column without a mate to another, every second step between mates, and changes who goes with whom along it. */
function augment(
  root: number,
  partners: (column: number) => readonly number[],
  mates: ReadonlyMap<number, number>,
  join: (a: number, b: number) => void,
): void {
  const cameFrom = new Map<number, number>();
  const seen = new Set([root]);
  const queue = [root];
  for (const column of queue) {
    for (const other of partners(column)) {
      if (seen.has(other)) continue;
      seen.add(other);
      cameFrom.set(other, column);
      const mate = mates.get(other);
      if (mate !== undefined) {
        seen.add(mate);
        queue.push(mate);
        continue;
      }
      for (let end: number | undefined = other; end !== undefined; ) {
        const begin = cameFrom.get(end) as number;
        const next = begin === root ? undefined : mates.get(begin);
        join(begin, end);
        end = next;
      }
      return;
    }
  }
}
