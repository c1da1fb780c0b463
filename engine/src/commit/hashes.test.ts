import { describe, expect, test } from "vitest";
import { leafHash, listHash, nodeHash, zeroHash } from "./hashes.ts";
import { fromHex, toHex } from "./hex.ts";
import { keccak256 } from "./keccak256.ts";
import { commitTensor, tensorHeight } from "./tensor-tree.ts";

describe("keccak256", () => {
  test("of nothing and of abc are the published ones", () => {
    expect(toHex(keccak256(new Uint8Array()))).toBe(
      "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
    );
    expect(toHex(keccak256(new TextEncoder().encode("abc")))).toBe(
      "0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
    );
  });
});

describe("hashes", () => {
  const a = new Uint8Array(32).fill(1);

  test("leaf, node and list are told apart by their first byte", () => {
    expect(leafHash(a)).toEqual(keccak256(Uint8Array.of(0, ...a)));
    expect(leafHash(new Uint8Array(256))).toEqual(keccak256(new Uint8Array(257)));
    expect(nodeHash(a, zeroHash())).toEqual(keccak256(Uint8Array.of(1, ...a, ...zeroHash())));
    expect(listHash([a, a])).toEqual(keccak256(Uint8Array.of(2, ...a, ...a)));
    expect(listHash([])).toEqual(keccak256(Uint8Array.of(2)));
  });

  test("nodeHash of two zeros is zero", () => {
    expect(nodeHash(zeroHash(), zeroHash())).toEqual(zeroHash());
  });

  test("fromHex undoes toHex and refuses what is not hexadecimal", () => {
    expect(fromHex(toHex(a))).toEqual(a);
    expect(() => fromHex("0x123")).toThrow("hexadecimal");
  });
});

describe("commitTensor", () => {
  test("cuts 256-byte leaves and leaves the last one short", () => {
    const bytes = Uint8Array.from({ length: 600 }, (_, i) => i & 0xff);
    const [l0, l1, l2] = [bytes.slice(0, 256), bytes.slice(256, 512), bytes.slice(512)].map(leafHash) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    expect(commitTensor(bytes).root).toEqual(nodeHash(nodeHash(l0, l1), nodeHash(l2, zeroHash())));
  });

  test.each([
    [1, 0],
    [256, 0],
    [257, 1],
    [512, 1],
    [513, 2],
    [2 ** 32 - 1, 24],
  ])("of %i bytes has height %i", (bytes, height) => {
    expect(tensorHeight(bytes)).toBe(height);
  });
});
