import { describe, expect, test } from "vitest";
import { randomNumbers } from "../testing/compileSmall.ts";
import {
  broadcastView,
  freshDims,
  isRowMajor,
  product,
  refineViews,
  reshapeView,
  sizesOf,
  transposeView,
  type View,
  wholeView,
} from "./view.ts";

/** Flat indices of a view's elements in logical order. */
function indices(view: View): number[] {
  let found = [view.offset];
  for (const { size, stride } of view.dims.flat()) {
    found = found.flatMap((base) => Array.from({ length: size }, (_, k) => base + k * stride));
  }
  return found;
}

/** An image [2, 3, 4, 5] that lies channels-last. */
const image: View = {
  ...wholeView("trace", 0, "u8", [2, 3, 4, 5]),
  dims: freshDims([[2], [3], [4], [5]], [0, 2, 3, 1]),
};

describe("views", () => {
  test("a channels-last image flattened keeps the logical order of elements and needs no copy", () => {
    const flat = reshapeView(image, [2, 60]);
    expect(flat && sizesOf(flat)).toEqual([2, 60]);
    expect(flat && indices(flat)).toEqual(indices(image));
    expect(flat?.dims[1]).toHaveLength(2); // channels, then height and width as one axis
  });

  test("reshape cuts axes where sizes divide, and refuses where they do not", () => {
    expect(indices(reshapeView(image, [6, 2, 2, 5]) as View)).toEqual(indices(image));
    const flat = wholeView("trace", 0, "u8", [6, 4]);
    expect(indices(reshapeView(flat, [4, 6]) as View)).toEqual(indices(flat));
    expect(reshapeView(transposeView(flat, [1, 0]), [3, 8])).toBeUndefined();
  });

  test("random reshapes keep the order of elements", () => {
    const random = randomNumbers(3);
    const pick = <Value>(list: readonly Value[]) => list[Math.floor(random() * list.length)] as Value;
    const shapes = [[24], [2, 12], [4, 6], [2, 3, 4], [3, 8], [1, 24, 1], [2, 2, 3, 2], [6, 4]];
    for (let round = 0; round < 300; round++) {
      let view = wholeView("trace", 0, "u8", pick(shapes));
      for (let step = 0; step < 4; step++) {
        const turned = transposeView(
          view,
          view.dims.map((_, k) => view.dims.length - 1 - k),
        );
        const base = random() < 0.5 ? turned : view;
        const next = reshapeView(base, pick(shapes));
        if (next) expect(indices(next)).toEqual(indices(base));
        view = next ?? base;
      }
    }
  });

  test("transpose and broadcast", () => {
    expect(sizesOf(transposeView(image, [0, 2, 3, 1]))).toEqual([2, 4, 5, 3]);
    expect(isRowMajor(transposeView(image, [0, 2, 3, 1]))).toBe(true);
    expect(isRowMajor(image)).toBe(false);
    const row = broadcastView(wholeView("weight", 0, "f32", [3, 1]), [2, 3, 2]);
    expect(indices(row)).toEqual([0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2]);
  });

  test("refining gives views the same axes", () => {
    const flat = reshapeView(image, [120]) as View;
    const refined = refineViews([flat, wholeView("trace", 1, "u8", [120])]);
    expect(refined?.sizes).toEqual([[2, 3, 20]]);
    expect(refined?.views.map(indices)).toEqual([indices(image), Array.from({ length: 120 }, (_, k) => k)]);
    expect(product(refined?.sizes.flat() ?? [])).toBe(120);
  });
});
