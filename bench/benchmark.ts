/** One way to do a piece of work. */
export interface Side {
  readonly name: string;
  run(): void | Promise<void>;
}

/** Sides that do the same work, measured against the first of them. */
export interface Contest {
  readonly name: string;
  readonly sides: readonly [Side, Side, ...Side[]];
  /** What one run does, for a rate: { amount: 8, unit: "MB" } gives MB/s. */
  readonly work?: { readonly amount: number; readonly unit: string };
}

/** Contests that share their preparation. One file in `benchmarks/`, listed in `benchmarks/index.ts`. */
export interface Benchmark {
  /** Lower case and dashes: what the command line calls it. */
  readonly name: string;
  /** What is measured, and against what. */
  readonly about: string;
  /** @throws Absent when something that it needs is not there */
  prepare(): Promise<Prepared>;
}

export interface Prepared {
  readonly contests: readonly Contest[];
  /** Ends threads, closes sessions. */
  release(): void | Promise<void>;
}

/** Says why a benchmark cannot run here; it is reported as skipped. */
export class Absent extends Error {}
