import { createKeccak } from "hash-wasm";
import { keccak256 } from "viem";
import { createHashPool } from "../../engine/src/commit/batch/hash-pool.ts";
import { commitTensor } from "../../engine/src/commit/index.ts";
import type { Benchmark } from "../benchmark.ts";
import { kernelAlone } from "./kernel-alone.ts";
import { rootOneByOne } from "./one-by-one.ts";

/** Small, because the libraries take so long. */
const SMALL_BYTES = 2 * 2 ** 20;
const LARGE_BYTES = 32 * 2 ** 20;

export const hashing: Benchmark = {
  name: "hashing",
  about:
    "The tree over one tensor, as it is committed to, against the kernel's own speed, hash-wasm and noble (through viem), a call each leaf and node.",
  async prepare() {
    const large = Uint8Array.from({ length: LARGE_BYTES }, (_, i) => (i * 2_654_435_761) >>> 13);
    const small = large.subarray(0, SMALL_BYTES);
    const [one, two] = [createHashPool({ threads: 1 }), createHashPool({ threads: 2 })];
    const hashWasm = await createKeccak(256);
    const alone = kernelAlone();
    return {
      contests: [
        {
          name: "1 thread, 2 MB",
          work: { amount: SMALL_BYTES / 1e6, unit: "MB" },
          sides: [
            { name: "commitTensor", run: () => void commitTensor(small, one.hash) },
            { name: "kernel alone", run: () => alone(SMALL_BYTES) },
            {
              name: "hash-wasm",
              run: () =>
                void rootOneByOne(small, (message) => hashWasm.init().update(message).digest("binary")),
            },
            {
              name: "noble",
              run: () => void rootOneByOne(small, (message) => keccak256(message, "bytes")),
            },
          ],
        },
        {
          name: "2 threads, 32 MB",
          work: { amount: LARGE_BYTES / 1e6, unit: "MB" },
          sides: [
            { name: "commitTensor, 1 thread", run: () => void commitTensor(large, one.hash) },
            { name: "commitTensor, 2 threads", run: () => void commitTensor(large, two.hash) },
          ],
        },
      ],
      release: () => two.close(),
    };
  },
};
