import { bytesToHex, type Hex } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  leafHash,
  leavesOf,
  listHash,
  multiproof,
  nodeHash,
  rootOf,
  tensorTree,
  treeOf,
  ZERO_HASH,
} from "../support/commitment.ts";
import { type Network, startNetwork } from "../support/network.ts";
import { fuzzCount, fuzzSeed, randomFrom } from "../support/random.ts";

let network: Network;
let call: <Result>(functionName: string, ...args: unknown[]) => Promise<Result>;

beforeAll(async () => {
  network = await startNetwork();
  const harness = await network.deploy("test-harness/MerkleHarness.sol");
  call = <Result>(functionName: string, ...args: unknown[]) =>
    network.publicClient.readContract({ ...harness, functionName, args }) as Promise<Result>;
});
afterAll(() => network.close());

const random = randomFrom(fuzzSeed());
const hash = (): Hex => bytesToHex(random.bytes(32));
const sizes = [1, 31, 255, 256, 257, 512, 513, 768, 1000, 1024, 1025, 4096, 5000, 16_384];

describe("MerkleTree", () => {
  it("hashes leaves, nodes and lists as the profile says, with no node over nothing", async () => {
    for (const size of [0, 1, 255, 256, 300]) {
      const data = random.bytes(size);
      expect(await call("leaf", bytesToHex(data))).toBe(leafHash(data));
    }
    const [left, right] = [hash(), hash()];
    for (const [l, r] of [
      [left, right],
      [left, ZERO_HASH],
      [ZERO_HASH, right],
      [ZERO_HASH, ZERO_HASH],
    ] as const) {
      expect(await call("node", l, r)).toBe(nodeHash(l, r));
    }
    for (const count of [0, 1, 2, 5]) {
      const roots = Array.from({ length: count }, hash);
      expect(await call("listHash", roots)).toEqual([listHash(roots), listHash(roots)]);
    }
  });

  it("gives a tensor's root for every number of leaves, and refuses no bytes at all", async () => {
    for (const size of sizes) {
      const data = random.bytes(size);
      expect(await call("tensorRoot", bytesToHex(data)), `${size} bytes`).toBe(rootOf(tensorTree(data)));
    }
    await expect(call("tensorRoot", "0x")).rejects.toThrow("EmptyTree");
  });

  it("folds 2^k nodes, with padding among them, and refuses other counts by name", async () => {
    for (const k of [0, 1, 2, 3, 5]) {
      const nodes = Array.from({ length: 2 ** k }, () => (random.chance(0.4) ? ZERO_HASH : hash()));
      expect(await call("foldChildren", nodes)).toBe(rootOf(treeOf(nodes)));
    }
    for (const count of [0, 3, 6]) {
      await expect(call("foldChildren", Array.from({ length: count }, hash))).rejects.toThrow(
        "NotAPowerOfTwo",
      );
    }
  });

  it("knows the heights", async () => {
    for (const [count, height] of [
      [0, 0],
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 2],
      [5, 3],
      [2 ** 20, 20],
      [2 ** 20 + 1, 21],
    ] as const) {
      expect(await call("heightOf", count)).toBe(BigInt(height));
    }
    for (const size of sizes) {
      expect(await call("tensorHeight", size)).toBe(BigInt(tensorTree(new Uint8Array(size)).length - 1));
    }
    expect(await call("heightOf", 2n ** 256n - 1n)).toBe(255n);
  });

  it("accepts the path of every position and nothing else", async () => {
    for (const count of [1, 2, 3, 6, 9]) {
      const hashes = Array.from({ length: count }, hash);
      const tree = treeOf(hashes);
      const root = rootOf(tree);
      const height = tree.length - 1;
      for (const [position, own] of hashes.entries()) {
        const proof = multiproof(tree, [position]);
        expect(await call("verifyPath", root, height, position, own, proof)).toBe(true);
        expect(await call("verifyPath", root, height, position, hash(), proof)).toBe(false);
        expect(await call("verifyPath", root, height, position + 2 ** height, own, proof)).toBe(false);
        expect(await call("verifyPath", root, height, position, own, [...proof, hash()])).toBe(false);
        expect(await call("verifyPath", root, height + 1, position, own, proof)).toBe(false);
        if (height > 0) expect(await call("verifyPath", root, height, position ^ 1, own, proof)).toBe(false);
      }
    }
  });

  it("accepts the multiproof of any set of leaves and refuses every alteration of it", async () => {
    for (let run = 0; run < fuzzCount(120); run++) {
      const tensor = random.bytes(random.pick([...sizes, random.int(1, 9000)]));
      const tree = tensorTree(tensor);
      const pieces = leavesOf(tensor);
      const density = random.pick([0.1, 0.5, 1]);
      let leaves = pieces.flatMap((_, i) => (random.chance(density) ? [i] : []));
      if (leaves.length === 0) leaves = [random.int(0, pieces.length - 1)];
      const data = Buffer.concat(leaves.map((leaf) => pieces[leaf] as Uint8Array));
      const proof = multiproof(tree, leaves);
      const verify = (change: {
        root?: Hex;
        size?: number;
        leaves?: readonly number[];
        data?: Uint8Array;
        proof?: readonly Hex[];
      }) =>
        call<boolean>(
          "verifyLeaves",
          change.root ?? rootOf(tree),
          change.size ?? tensor.length,
          change.leaves ?? leaves,
          bytesToHex(change.data ?? data),
          change.proof ?? proof,
        );
      const what = `seed ${random.seed}, run ${run}: ${tensor.length} bytes, leaves ${leaves}`;
      expect(await verify({}), what).toBe(true);
      const flipped = Uint8Array.from(data);
      const at = random.int(0, data.length - 1);
      flipped[at] = (flipped[at] as number) ^ (1 << random.int(0, 7));
      const alterations = [
        { root: hash() },
        { data: flipped },
        { data: data.subarray(1) },
        { data: Buffer.concat([data, Buffer.from([0])]) },
        { proof: [...proof, hash()] },
        { proof: [...proof, ZERO_HASH] },
        { leaves: [...leaves, pieces.length] },
        { leaves: [...leaves, leaves.at(-1) as number] },
        { leaves: leaves.map((leaf) => leaf + 2 ** (tree.length - 1)) },
        { leaves: [], data: new Uint8Array() },
      ];
      if (proof.length > 0) alterations.push({ proof: proof.slice(1) }, { proof: proof.with(0, hash()) });
      if (leaves.length > 1) alterations.push({ leaves: leaves.toReversed() });
      const altered = random.pick(alterations);
      expect(await verify(altered), `${what}, altered: ${Object.keys(altered)}`).toBe(false);
    }
  });
});
