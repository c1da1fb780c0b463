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
  /** A side runs so often in a turn, one after the other; the result is for one of them. For work of microseconds. Default: 1. */
  readonly repeats?: number;
  /**
   * Before each turn nothing runs for so long, then the side once unmeasured. For sides with threads of their own: those of onnxruntime wait for more work in
   * a busy loop, for about 50 ms, and would take the cores from the next side. Default: 0, and no such run.
   */
  readonly restMs?: number;
}

/** Something measured once, beside the contests. */
export interface Fact {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
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
  readonly facts?: readonly Fact[];
  /** Ends threads, closes sessions. */
  release(): void | Promise<void>;
}

/** Says why a benchmark cannot run here; it is reported as skipped. */
export class Absent extends Error {}
