import { describe, expect, test } from "vitest";
import type { AttributeInput, ModelBuilder } from "../onnx/build.ts";
import { type ElementType, type HostTensor, i64Tensor } from "../onnx/tensor.ts";
import { compileAndCompare, randomTensor, typedModel } from "../testing/compileSmall.ts";

type Typed = readonly [ElementType, readonly number[]];
type Sizes = readonly number[];

/** y = op(x, constants...). Constants are 64-bit integers where they are lists of numbers. */
function moved(
  op: string,
  x: Typed,
  y: Sizes,
  constants: readonly (readonly number[] | HostTensor | undefined)[] = [],
  attributes: Record<string, AttributeInput> = {},
  opset = 18,
) {
  return typedModel(opset, { x }, { y: [x[0], y] }, (m) => {
    m.node(op, ["x", ...constantNames(m, constants)], ["y"], attributes);
  });
}

function constantNames(
  m: ModelBuilder,
  constants: readonly (readonly number[] | HostTensor | undefined)[],
): string[] {
  return constants.map((value, k) => {
    if (value === undefined) return "";
    m.initializer(`c${k}`, "data" in value ? value : i64Tensor(value));
    return `c${k}`;
  });
}

/** y = op(a convolution of x, constants...): data that lie channels-last and have a quantised form. */
function movedImage(
  op: string,
  y: Sizes,
  constants: readonly (readonly number[] | HostTensor | undefined)[] = [],
  attributes: Record<string, AttributeInput> = {},
) {
  return typedModel(18, { x: ["f32", [1, 4, 6, 5]] }, { y: ["f32", y] }, (m, random) => {
    m.initializer("w", randomTensor(random, [4, 4, 1, 1])).node("Conv", ["x", "w"], ["1"]);
    m.node(op, ["1", ...constantNames(m, constants)], ["y"], attributes);
  });
}

const f32: Typed = ["f32", [3, 4, 5]];
const wide: Typed = ["f32", [3, 6, 7]];
const scalar = (value: number): HostTensor => ({ type: "f32", dims: [], data: Float32Array.of(value) });
const END = 2 ** 53;

/** y = Resize(x) of [1, 2, 5, 6] to given sizes. */
function resized(attributes: Record<string, AttributeInput>, sizes: Sizes) {
  return moved("Resize", ["f32", [1, 2, 5, 6]], sizes, [undefined, undefined, sizes], attributes, 19);
}

const cases: Record<string, ReturnType<typeof typedModel>> = {
  Slice: moved(
    "Slice",
    f32,
    [2, 4, 3],
    [
      [1, 0],
      [3, END],
      [0, 2],
      [1, 2],
    ],
  ),
  "Slice backwards": moved("Slice", f32, [3, 4, 3], [[-1], [-END], [-1], [-2]]),
  "Slice of i64": moved("Slice", ["i64", [6]], [2], [[1], [-1], [0], [3]]),
  "Slice of bools": moved("Slice", ["bool", [6]], [5], [[1], [6]]),
  "Slice of an image": movedImage(
    "Slice",
    [1, 2, 6, 3],
    [
      [1, 0],
      [3, 5],
      [1, 3],
      [1, 2],
    ],
  ),
  "Slice of a flattened image": typedModel(
    18,
    { x: ["f32", [1, 4, 3, 3]] },
    { y: ["f32", [1, 10]] },
    (m, random) => {
      m.initializer("w", randomTensor(random, [4, 4, 1, 1]))
        .initializer("s", i64Tensor([5]))
        .initializer("e", i64Tensor([15]));
      m.initializer("a", i64Tensor([1]))
        .node("Conv", ["x", "w"], ["1"])
        .node("Flatten", ["1"], ["2"]);
      m.node("Slice", ["2", "s", "e", "a"], ["y"]);
    },
  ),
  "Concat of three": typedModel(
    18,
    { a: ["f32", [2, 3]], b: ["f32", [2, 1]], c: ["f32", [2, 4]] },
    { y: ["f32", [2, 8]] },
    (m) => m.node("Concat", ["a", "b", "c"], ["y"], { axis: -1 }),
  ),
  "Concat with a constant": moved(
    "Concat",
    ["i64", [2, 3]],
    [3, 3],
    [{ type: "i64", dims: [1, 3], data: BigInt64Array.of(1n, 2n, 2n ** 60n) }],
    { axis: 0 },
  ),
  "Concat with a part of no elements": moved(
    "Concat",
    ["f32", [2, 3]],
    [2, 3],
    [{ type: "f32", dims: [2, 0], data: new Float32Array(0) }],
    { axis: 1 },
  ),
  "Concat of bools": typedModel(
    18,
    { a: ["bool", [2, 3]], b: ["bool", [3, 3]] },
    { y: ["bool", [5, 3]] },
    (m) => m.node("Concat", ["a", "b"], ["y"], { axis: 0 }),
  ),
  "Concat of twenty parts": typedModel(18, { x: ["f32", [20, 3]] }, { y: ["f32", [3, 20]] }, (m) => {
    const parts = Array.from({ length: 20 }, (_, k) => `p${k}`);
    m.node("Split", ["x"], parts, { axis: 0, num_outputs: 20 });
    const columns = parts.map((part) => `${part}t`);
    for (const part of parts) m.node("Transpose", [part], [`${part}t`]);
    m.node("Concat", columns, ["y"], { axis: 1 });
  }),
  "Concat of images, and a convolution of it": typedModel(
    18,
    { x: ["f32", [1, 3, 5, 5]] },
    { y: ["f32", [1, 2, 5, 5]] },
    (m, random) => {
      m.initializer("w", randomTensor(random, [4, 3, 1, 1])).initializer(
        "v",
        randomTensor(random, [2, 11, 3, 3]),
      );
      m.node("Conv", ["x", "w"], ["1"])
        .node("Relu", ["1"], ["2"])
        .node("Concat", ["1", "2", "x"], ["3"], { axis: 1 });
      m.node("Conv", ["3", "v"], ["y"], { pads: [1, 1, 1, 1] });
    },
  ),
  "Concat of a flattened image with itself": typedModel(
    18,
    { x: ["f32", [1, 4, 3, 3]] },
    { y: ["f32", [1, 72]] },
    (m, random) => {
      m.initializer("w", randomTensor(random, [4, 4, 1, 1]))
        .node("Conv", ["x", "w"], ["1"])
        .node("Flatten", ["1"], ["2"]);
      m.node("Concat", ["2", "2"], ["y"], { axis: 1 });
    },
  ),
  Pad: moved("Pad", f32, [4, 7, 5], [[1, 0, 0, 0, 3, 0], scalar(0.25)]),
  "Pad that cuts": moved("Pad", f32, [4, 2, 6], [[1, -1, 0, 0, -1, 1]]),
  "Pad with axes": moved("Pad", f32, [3, 4, 8], [[1, 2], scalar(-1), [-1]]),
  "Pad of i64": moved(
    "Pad",
    ["i64", [3]],
    [6],
    [[1, 2], { type: "i64", dims: [], data: BigInt64Array.of(-(2n ** 40n)) }],
  ),
  "Pad of bools": moved("Pad", ["bool", [3]], [6], [[1, 2]]),
  "Pad with a computed value": typedModel(
    18,
    { x: ["f32", [2, 3]], v: ["f32", []] },
    { y: ["f32", [4, 4]] },
    (m) => {
      m.initializer("p", i64Tensor([1, 0, 1, 1])).node("Pad", ["x", "p", "v"], ["y"]);
    },
  ),
  "Pad of an image": movedImage("Pad", [1, 4, 8, 6], [[0, 0, 1, 0, 0, 0, 1, 1]]),
  Expand: moved("Expand", ["f32", [3, 1]], [2, 3, 6], [[2, 1, 6]]),
  "Expand of i64": moved("Expand", ["i64", [1]], [4], [[4]]),
  Tile: moved("Tile", f32, [6, 4, 15], [[2, 1, 3]]),
  "Tile of i8": moved("Tile", ["i8", [2, 2]], [4, 2], [[2, 1]]),
  "Gather with constant indices": moved(
    "Gather",
    f32,
    [3, 2, 3, 5],
    [{ type: "i64", dims: [2, 3], data: BigInt64Array.of(0n, -1n, 2n, 3n, 3n, 1n) }],
    { axis: 1 },
  ),
  "Gather of one": moved("Gather", f32, [3, 4], [{ type: "i64", dims: [], data: BigInt64Array.of(-2n) }], {
    axis: -1,
  }),
  "Gather of an even step": moved("Gather", f32, [3, 2, 5], [[3, 1]], { axis: 1 }),
  "Gather of a computed index": typedModel(
    18,
    { x: wide, i: ["i64", [2, 2]] },
    { y: ["f32", [3, 2, 2, 7]] },
    (m) => m.node("Gather", ["x", "i"], ["y"], { axis: 1 }),
  ),
  "Gather with i32 from a table": typedModel(18, { i: ["i32", [7]] }, { y: ["f32", [7, 3]] }, (m, random) => {
    m.initializer("t", randomTensor(random, [9, 3])).node("Gather", ["t", "i"], ["y"]);
  }),
  "Gather from an image": movedImage("Gather", [1, 3, 6, 5], [[2, 0, 3]], { axis: 1 }),
  "Gather of bools": moved("Gather", ["bool", [5]], [3], [[4, 0, 0]]),
  "GatherElements with constant indices": moved(
    "GatherElements",
    ["i32", [3, 3]],
    [2, 3],
    [{ type: "i64", dims: [2, 3], data: BigInt64Array.of(0n, -1n, 2n, 1n, 1n, 0n) }],
    { axis: 0 },
  ),
  "GatherElements with computed indices": typedModel(
    18,
    { x: wide, i: ["i64", [2, 4, 2]] },
    { y: ["f32", [2, 4, 2]] },
    (m) => m.node("GatherElements", ["x", "i"], ["y"], { axis: 2 }),
  ),
  "Split in equal parts": typedModel(
    18,
    { x: ["f32", [2, 7]] },
    { y: ["f32", [2, 3]], z: ["f32", [2, 1]] },
    (m) => m.node("Split", ["x"], ["y", "other", "z"], { axis: 1, num_outputs: 3 }),
  ),
  "Split of opset 11": typedModel(
    11,
    { x: ["f32", [5, 2]] },
    { y: ["f32", [2, 2]], z: ["f32", [3, 2]] },
    (m) => m.node("Split", ["x"], ["y", "z"], { axis: 0, split: [2, 3] }),
  ),
  DepthToSpace: moved("DepthToSpace", ["f32", [1, 8, 2, 3]], [1, 2, 4, 6], [], { blocksize: 2 }),
  "DepthToSpace CRD": moved("DepthToSpace", ["f32", [1, 8, 2, 3]], [1, 2, 4, 6], [], {
    blocksize: 2,
    mode: "CRD",
  }),
  SpaceToDepth: moved("SpaceToDepth", ["f32", [1, 2, 4, 6]], [1, 8, 2, 3], [], { blocksize: 2 }),
  "GatherND with constant indices": moved(
    "GatherND",
    f32,
    [2, 5],
    [{ type: "i64", dims: [2, 2], data: BigInt64Array.of(0n, -1n, 2n, 1n) }],
  ),
  "GatherND with computed indices": typedModel(
    18,
    { x: ["f32", [6, 7, 3]], i: ["i64", [4, 2]] },
    { y: ["f32", [4, 3]] },
    (m) => m.node("GatherND", ["x", "i"], ["y"]),
  ),
  "GatherND in batches": typedModel(
    18,
    { x: ["i32", [2, 6, 3]], i: ["i64", [2, 4, 1]] },
    { y: ["i32", [2, 4, 3]] },
    (m) => m.node("GatherND", ["x", "i"], ["y"], { batch_dims: 1 }),
  ),
  OneHot: typedModel(18, { i: ["i64", [3, 4]] }, { y: ["f32", [3, 6, 4]] }, (m) => {
    m.initializer("d", i64Tensor([6])).initializer("v", {
      type: "f32",
      dims: [2],
      data: Float32Array.of(-1, 2),
    });
    m.node("OneHot", ["i", "d", "v"], ["y"], { axis: 1 });
  }),
  "OneHot of i64": typedModel(18, { i: ["i64", [4]] }, { y: ["i64", [4, 3]] }, (m) => {
    m.initializer("d", i64Tensor([3])).initializer("v", i64Tensor([0, -7]));
    m.node("OneHot", ["i", "d", "v"], ["y"]);
  }),
  Trilu: moved("Trilu", f32, [3, 4, 5]),
  "Trilu lower": moved(
    "Trilu",
    ["i64", [4, 4]],
    [4, 4],
    [{ type: "i64", dims: [], data: BigInt64Array.of(-1n) }],
    { upper: 0 },
  ),
  EyeLike: typedModel(18, { x: ["f32", [3, 4]] }, { y: ["f32", [3, 4]] }, (m) =>
    m.node("EyeLike", ["x"], ["e"], { k: 1 }).node("Add", ["e", "x"], ["y"]),
  ),
  CastLike: typedModel(18, { x: ["f32", [3]], t: ["i64", [1]] }, { y: ["i64", [3]] }, (m) =>
    m.node("CastLike", ["x", "t"], ["y"]),
  ),
  CumSum: moved("CumSum", ["i32", [3, 7]], [3, 7], [{ type: "i32", dims: [], data: Int32Array.of(1) }]),
  "CumSum of floats, reversed, exclusive": moved(
    "CumSum",
    ["f32", [3, 7]],
    [3, 7],
    [{ type: "i64", dims: [], data: BigInt64Array.of(-2n) }],
    { reverse: 1, exclusive: 1 },
  ),
  "Pad reflect": moved("Pad", f32, [3, 9, 6], [[0, 3, 0, 0, 2, 1]], { mode: "reflect" }),
  "Pad edge": moved("Pad", f32, [5, 3, 5], [[2, -1, 0, 0, 0, 0]], { mode: "edge" }),
  "Pad wrap": moved("Pad", ["i64", [4]], [13], [[3, 6]], { mode: "wrap" }, 19),
  "Pad of opset 7": moved("Pad", f32, [3, 6, 5], [], { pads: [0, 1, 0, 0, 1, 0], value: { float: 0.5 } }, 7),
  "Slice of opset 7": moved("Slice", f32, [2, 4, 3], [], { starts: [1, 2], ends: [3, 5], axes: [0, 2] }, 7),
  ReverseSequence: moved("ReverseSequence", ["f32", [4, 3, 2]], [4, 3, 2], [[4, 1, 3]], {
    time_axis: 0,
    batch_axis: 1,
  }),
  ScatterElements: typedModel(18, { x: ["f32", [3, 4]], u: ["f32", [2, 2]] }, { y: ["f32", [3, 4]] }, (m) => {
    m.initializer("i", { type: "i64", dims: [2, 2], data: BigInt64Array.of(0n, 3n, -2n, 1n) });
    m.node("ScatterElements", ["x", "i", "u"], ["y"], { axis: 1 });
  }),
  "ScatterND that adds twice": typedModel(
    18,
    { x: ["i32", [4, 2]], u: ["i32", [3, 2]] },
    { y: ["i32", [4, 2]] },
    (m) => {
      m.initializer("i", { type: "i64", dims: [3, 1], data: BigInt64Array.of(1n, 3n, 1n) });
      m.node("ScatterND", ["x", "i", "u"], ["y"], { reduction: "add" });
    },
  ),
  ...Object.fromEntries(
    ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"].flatMap(
      (coordinates) =>
        ["nearest", "linear", "cubic"].map((mode) => [
          `Resize ${mode} ${coordinates}`,
          resized({ mode, coordinate_transformation_mode: coordinates }, [1, 2, 7, 9]),
        ]),
    ),
  ),
  ...Object.fromEntries(
    ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"].flatMap((rounding) =>
      [
        [1, 2, 3, 12],
        [1, 2, 10, 24],
      ].map((sizes) => [
        `Resize nearest ${rounding} to ${sizes}`,
        resized({ mode: "nearest", nearest_mode: rounding }, sizes),
      ]),
    ),
  ),
  "Resize cubic without what is outside": resized({ mode: "cubic", exclude_outside: 1 }, [1, 2, 3, 11]),
  "Resize of an image, twice as large": movedImage(
    "Resize",
    [1, 4, 12, 10],
    [undefined, { type: "f32", dims: [4], data: Float32Array.of(1, 1, 2, 2) }],
    {
      mode: "nearest",
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    },
  ),
  "Upsample of opset 9": moved(
    "Upsample",
    ["f32", [1, 2, 3, 4]],
    [1, 2, 6, 12],
    [{ type: "f32", dims: [4], data: Float32Array.of(1, 1, 2, 3) }],
    { mode: "nearest" },
    9,
  ),
  "Resize of opset 10": moved(
    "Resize",
    ["f32", [1, 2, 6, 4]],
    [1, 2, 3, 2],
    [{ type: "f32", dims: [4], data: Float32Array.of(1, 1, 0.5, 0.5) }],
    { mode: "nearest" },
    10,
  ),
};

describe("data movement: onnxruntime and the program byte for byte, and what the source model gives", () => {
  test.each(Object.entries(cases))("%s", async (name, { model, specs }) => {
    const { manifest } = await compileAndCompare(model, specs);
    expect(manifest.accuracy.cosineMin).toBeGreaterThan(name.includes("mage") ? 0.999 : 0.9999999);
  });
});
