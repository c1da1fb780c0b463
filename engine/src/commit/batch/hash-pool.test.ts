import { execFileSync } from "node:child_process";
import { Worker } from "node:worker_threads";
import { describe, expect, it, vi } from "vitest";
import { randomNumbers } from "../../testing/compileSmall.ts";
import { HASH_BYTES, LEAF_BYTES, leafHash, nodeHash, zeroHash } from "../hashes.ts";
import { MerkleTree } from "../merkle-tree.ts";
import { commitTensor } from "../tensor-tree.ts";
import { levelsOfBytes, SUBTREE_BYTES } from "./hash-levels.ts";
import { createHashPool } from "./hash-pool.ts";
import { createSharedSlab, DONE, SLAB_BYTES } from "./shared-slab.ts";

const random = randomNumbers(41);
const bytes = Uint8Array.from({ length: SLAB_BYTES + 3 * SUBTREE_BYTES + 1000 }, () => random() * 256);

/** Every level of the tree, one hash at a time by hash-wasm. */
function levelsOneByOne(leaves: Uint8Array[]): Uint8Array[][] {
  const levels = [leaves];
  for (let level = leaves; level.length > 1; ) {
    const below = level;
    level = Array.from({ length: Math.ceil(below.length / 2) }, (_, i) =>
      nodeHash(below[2 * i] as Uint8Array, below[2 * i + 1] ?? zeroHash()),
    );
    levels.push(level);
  }
  return levels;
}

function leavesOf(tensor: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(tensor.length / LEAF_BYTES) }, (_, i) =>
    leafHash(tensor.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES)),
  );
}

function expectSameTree(tree: MerkleTree, levels: readonly (readonly Uint8Array[])[]): void {
  expect(tree.height).toBe(levels.length - 1);
  for (const [height, level] of levels.entries()) {
    const actual = Buffer.concat(level.map((_, index) => tree.node(height, index)));
    expect([height, Buffer.compare(actual, Buffer.concat(level))]).toEqual([height, 0]);
  }
}

describe("commitTensor", () => {
  const sizes = [1, 2, 3, 4, 255, 256, 257, 511, 512, 513].flatMap((leaves) => [
    leaves * LEAF_BYTES - 1,
    leaves * LEAF_BYTES,
    leaves * LEAF_BYTES + 1,
  ]);

  it("gives every node of the tree that hashing one by one gives, whole leaves or not", () => {
    for (const size of sizes) {
      const tensor = bytes.subarray(0, size);
      expectSameTree(commitTensor(tensor), levelsOneByOne(leavesOf(tensor)));
    }
  });

  it("gives the same tree with any number of threads, over several slabs", () => {
    const expected = levelsOneByOne(leavesOf(bytes));
    for (const threads of [1, 3]) {
      const pool = createHashPool({ threads });
      // The first time threads are still starting, later they help.
      for (let time = 0; time < 2; time++) expectSameTree(commitTensor(bytes, pool.hash), expected);
      const shorter = bytes.subarray(0, SLAB_BYTES - SUBTREE_BYTES - 300);
      expectSameTree(commitTensor(shorter, pool.hash), levelsOneByOne(leavesOf(shorter)));
      pool.close();
    }
  });

  it("is helped by a thread that can hash a slab by itself", async () => {
    const slab = createSharedSlab();
    const worker = new Worker(new URL("./hash-worker.ts", import.meta.url), { workerData: slab });
    const job = { first: 0, past: 3, length: 2 * SUBTREE_BYTES + 1000 };
    slab.bytes.set(bytes.subarray(0, job.length));
    worker.postMessage(job);
    await vi.waitFor(() => expect(Atomics.load(slab.counts, DONE)).toBe(job.past), { timeout: 50_000 });
    await worker.terminate();
    const [leaves, ...above] = levelsOfBytes(slab.levels, job.length) as [Uint8Array, ...Uint8Array[]];
    expectSameTree(new MerkleTree(leaves, above), levelsOneByOne(leavesOf(bytes.subarray(0, job.length))));
  });

  it("hashes alone what a thread took and left undone", () => {
    const script = new URL("../../testing/stalling-hash-worker.ts", import.meta.url);
    const pool = createHashPool({ threads: 2, script, stalledMs: 50 });
    const expected = commitTensor(bytes, createHashPool({ threads: 1 }).hash).root;
    for (let time = 0; time < 10; time++) expect(commitTensor(bytes, pool.hash).root).toEqual(expected);
    pool.close();
  });

  it("does not keep a process alive", () => {
    const script = `import { commitTensor } from ${JSON.stringify(new URL("../tensor-tree.ts", import.meta.url))};
      for (let i = 0; i < 3; i++) console.log(commitTensor(new Uint8Array(${SLAB_BYTES})).count);`;
    const printed = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      timeout: 30_000,
    });
    expect(printed.toString()).toBe(`${SLAB_BYTES / LEAF_BYTES}\n`.repeat(3));
  });
});

describe("MerkleTree", () => {
  it("keeps the zero hash above two absent ones wherever they stand, and nowhere else", () => {
    for (const count of [2, 3, 64, 1025, 3000]) {
      const leaves = Array.from({ length: count }, () => {
        const hash = Uint8Array.from({ length: HASH_BYTES }, () => random() * 256);
        const kind = random();
        // The first bytes may be 0 in a hash that is not.
        return kind < 0.5 ? zeroHash() : kind < 0.8 ? hash.fill(0, 0, 8) : hash;
      });
      expectSameTree(MerkleTree.of(leaves), levelsOneByOne(leaves));
    }
  });
});
