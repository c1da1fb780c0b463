import { createKeccak } from "hash-wasm";
import { keccak256 } from "viem";
import { createHashPool } from "../../engine/src/commit/batch/hash-pool.ts";
import { commitTensor } from "../../engine/src/commit/index.ts";
import type { Benchmark } from "../benchmark.ts";
import { kernelAlone } from "./kernel-alone.ts";
import { rootOneByOne } from "./one-by-one.ts";

const BYTES = 8 * 2 ** 20;

export const hashing: Benchmark = {
  name: "hashing",
  about:
    "The tree over one tensor of 8 MB, as it is committed to, against the kernel's own speed, hash-wasm and noble (through viem), a call each leaf and node.",
  async prepare() {
    const bytes = Uint8Array.from({ length: BYTES }, (_, i) => (i * 2_654_435_761) >>> 13);
    const [one, two] = [createHashPool({ threads: 1 }), createHashPool({ threads: 2 })];
    const hashWasm = await createKeccak(256);
    const alone = kernelAlone();
    const work = { amount: BYTES / 1e6, unit: "MB" };
    return {
      contests: [
        {
          name: "1 thread",
          work,
          sides: [
            { name: "commitTensor", run: () => void commitTensor(bytes, one.hash) },
            { name: "kernel alone", run: () => alone(BYTES) },
            {
              name: "hash-wasm",
              run: () =>
                void rootOneByOne(bytes, (message) => hashWasm.init().update(message).digest("binary")),
            },
            {
              name: "noble",
              run: () => void rootOneByOne(bytes, (message) => keccak256(message, "bytes")),
            },
          ],
        },
        {
          name: "2 threads",
          work,
          sides: [
            { name: "commitTensor, 1 thread", run: () => void commitTensor(bytes, one.hash) },
            { name: "commitTensor, 2 threads", run: () => void commitTensor(bytes, two.hash) },
          ],
        },
      ],
      release: () => two.close(),
    };
  },
};
