import { ModelBuilder } from "@surety/engine";
import { expect, test } from "vitest";
import { importOptionsOf } from "./importOptions.ts";

const model = new ModelBuilder(18)
  .input("x", "f32", ["batch", 3])
  .input("shape", "i64", [2])
  .node("Reshape", ["x", "shape"], ["y"])
  .output("y", "f32", ["a", "b"])
  .encode();

test("sizes and constants of the command line become those of the import", () => {
  expect(importOptionsOf(model, { dim: ["batch=4", "x.1=3"], fix: ["shape=6,-1"] })).toEqual({
    dims: { batch: 4, "x.1": 3 },
    fixed: { shape: { type: "i64", dims: [2], data: BigInt64Array.of(6n, -1n) } },
  });
});

test.each([
  [{ dim: ["batch"], fix: [] }, "name=value"],
  [{ dim: ["batch=0"], fix: [] }, "no size"],
  [{ dim: [], fix: ["shape=a"] }, "numbers"],
  [{ dim: [], fix: ["form=1"] }, '"x", "shape"'],
])("%j is refused", (options, reason) => {
  expect(() => importOptionsOf(model, options)).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID", message: expect.stringContaining(reason) }),
  );
});
