import { MODEL_CASES } from "../../test/models/cases.ts";
import type { Benchmark } from "../benchmark.ts";
import { modelBenchmark } from "../models/modelBenchmark.ts";
import { hashing } from "./hashing.ts";
import { traceCommit } from "./trace-commit.ts";

export const BENCHMARKS: readonly Benchmark[] = [hashing, traceCommit, ...MODEL_CASES.map(modelBenchmark)];
