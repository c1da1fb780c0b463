import { createHashPool } from "../../engine/src/commit/batch/hash-pool.ts";
import { CommittedTrace, TensorFile } from "../../engine/src/commit/index.ts";
import type { Benchmark, Contest } from "../benchmark.ts";
import { kernelAlone } from "./kernel-alone.ts";

/** Bytes of the tensors of a super-resolution model at 224 x 224. */
const SIZES = [50_176, 3_211_264, 3_211_264, 1_605_632, 451_584, 1_806_336];
const TOTAL = SIZES.reduce((sum, size) => sum + size, 0);

export const traceCommit: Benchmark = {
  name: "trace-commit",
  about:
    "The root of a trace of six tensors of 10 MB together, in memory and in their file, against the kernel's own speed on one thread.",
  async prepare() {
    const tensors = SIZES.map((size, tensor) => Uint8Array.from({ length: size }, (_, i) => i * 31 + tensor));
    const file = new TensorFile(SIZES);
    for (const [index, tensor] of tensors.entries()) file.write(index, tensor);
    const alone = kernelAlone();
    const pools = [1, 2].map((threads) => ({ threads, pool: createHashPool({ threads }) }));
    const contests = pools.map(
      ({ threads, pool }): Contest => ({
        name: `${threads} thread${threads === 1 ? "" : "s"}`,
        work: { amount: TOTAL / 1e6, unit: "MB" },
        sides: [
          { name: "kernel alone, 1 thread", run: () => alone(TOTAL) },
          { name: "in memory", run: () => void new CommittedTrace(tensors, pool.hash).root },
          { name: "in a file", run: () => void new CommittedTrace(file, pool.hash).root },
        ],
      }),
    );
    return {
      contests,
      release() {
        for (const { pool } of pools) pool.close();
        file.close();
      },
    };
  },
};
