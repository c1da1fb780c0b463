import type { Benchmark } from "../benchmark.ts";
import { hashing } from "./hashing.ts";
import { traceCommit } from "./trace-commit.ts";

export const BENCHMARKS: readonly Benchmark[] = [hashing, traceCommit];
