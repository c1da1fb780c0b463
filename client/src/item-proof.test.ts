import { batchRoot, proveItem } from "@surety/engine";
import { expect, it } from "vitest";
import { itemProof } from "./item-proof.ts";

it("itemProof gives the engine's roots and paths, for odd counts, several tensors and several leaves", () => {
  for (const [sizes, count] of [
    [[40], 5],
    [[600, 10], 3],
    [[256], 2],
    [[1_025], 7],
  ] as const) {
    const size = sizes.reduce((sum: number, bytes) => sum + bytes, 0);
    const output = Uint8Array.from({ length: size * count }, (_, i) => (i * 31 + (i >> 7)) & 0xff);
    expect(batchRoot(sizes, output, count)).toMatch(/^0x/);
    for (let item = 0; item < count; item++)
      expect(itemProof(sizes, output, count, item)).toEqual(proveItem(sizes, output, count, item));
  }
});
