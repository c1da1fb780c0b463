import { describe, expect, test } from "vitest";
import { seededRandom } from "../referee/testing/random-instruction.ts";
import { nodeHash, zeroHash } from "./hashes.ts";
import { MerkleTree, treeHeight } from "./merkle-tree.ts";
import { verifyMultiproof } from "./multiproof.ts";

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);

/** The root by the words of the profile: pad, then combine. */
function naiveRoot(hashes: readonly Uint8Array[]): Uint8Array {
  let level = [...hashes];
  while (level.length < 2 ** treeHeight(hashes.length)) level.push(zeroHash());
  while (level.length > 1) {
    level = Array.from({ length: level.length / 2 }, (_, i) =>
      nodeHash(level[2 * i] as Uint8Array, level[2 * i + 1] as Uint8Array),
    );
  }
  return level[0] as Uint8Array;
}

describe("MerkleTree", () => {
  const random = seededRandom(SEED);
  console.log(`seed ${SEED}`);

  test("of 1 to 70 hashes has the root of the padded list", () => {
    for (let count = 1; count <= 70; count++) {
      const hashes = Array.from({ length: count }, () => random.bytes(32));
      const tree = MerkleTree.of(hashes);
      expect(tree.height).toBe(Math.ceil(Math.log2(count)));
      expect(tree.root).toEqual(naiveRoot(hashes));
      expect(naiveRoot(tree.descendants(tree.height, 0, tree.height))).toEqual(tree.root);
    }
  });

  test("of nothing has the root 0, of one hash that hash", () => {
    expect(MerkleTree.of([]).root).toEqual(zeroHash());
    const hash = random.bytes(32);
    expect(MerkleTree.of([hash]).root).toEqual(hash);
  });

  test("of zero hashes is zero all the way up", () => {
    expect(MerkleTree.of(Array.from({ length: 5 }, zeroHash)).root).toEqual(zeroHash());
  });

  test("node outside the tree is refused by name", () => {
    const tree = MerkleTree.of([random.bytes(32), random.bytes(32), random.bytes(32)]);
    expect(tree.node(0, 3)).toEqual(zeroHash());
    expect(() => tree.node(0, 4)).toThrow("Node 4 at height 0");
    expect(() => tree.node(3, 0)).toThrow("Node 0 at height 3");
  });
});

describe("verifyMultiproof", () => {
  const random = seededRandom(SEED);

  test("accepts every honest proof and refuses it once anything is changed", () => {
    let refused = 0;
    for (let round = 0; round < 400; round++) {
      const count = random.int(1, 40);
      const hashes = Array.from({ length: count }, () => random.bytes(32));
      const tree = MerkleTree.of(hashes);
      const indices = hashes.map((_, i) => i).filter(() => random.int(0, 3) === 0);
      if (indices.length === 0) indices.push(random.int(0, count - 1));
      const leaves = indices.map((i) => hashes[i] as Uint8Array);
      const proof = tree.multiproof(indices);
      const claim = { root: tree.root, height: tree.height, indices, leaves, proof };
      expect(verifyMultiproof(claim)).toBe(true);

      const flip = (hash: Uint8Array) =>
        hash.with(random.int(0, 31), (hash[0] as number) ^ 0xa5 ^ random.int(0, 255));
      const lies = [
        { ...claim, root: random.bytes(32) },
        { ...claim, proof: [...proof, random.bytes(32)] },
        { ...claim, proof: proof.slice(0, -1), leaves: proof.length > 0 ? leaves : leaves.slice(1) },
        { ...claim, leaves: leaves.with(0, random.bytes(32)) },
        { ...claim, indices: indices.with(-1, 2 ** tree.height) },
        { ...claim, indices: [...indices, indices.at(-1) as number], leaves: [...leaves, random.bytes(32)] },
        // The true leaf twice: its position may stand there once.
        {
          ...claim,
          indices: [...indices, indices.at(-1) as number],
          leaves: [...leaves, leaves.at(-1) as Uint8Array],
        },
        ...proof.map((hash, i) => ({ ...claim, proof: proof.with(i, flip(hash)) })),
      ];
      for (const lie of lies) {
        const same = JSON.stringify(lie.proof) === JSON.stringify(proof) && lie.root === claim.root;
        if (same && lie.leaves === leaves && lie.indices === indices) continue;
        expect(verifyMultiproof(lie)).toBe(false);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(2000);
  });
});
