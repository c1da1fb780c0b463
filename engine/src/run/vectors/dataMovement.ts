import type { ElementType, HostTensor } from "../../onnx/tensor.ts";
import { edgeValue } from "./edgeValues.ts";
import { type Draw, defineVector, filled, host, type KernelVector, scalar } from "./vector.ts";

/** The types that exact graphs move. */
const TYPES = ["u8", "i32", "i64", "f32"] as const;
type Moved = (typeof TYPES)[number];

interface Movement {
  readonly name: string;
  readonly x: readonly number[];
  readonly initializers?: (draw: Draw, type: Moved) => Readonly<Record<string, HostTensor>>;
  readonly inputs?: readonly string[];
  readonly attributes?: Readonly<Record<string, number | string | readonly number[]>>;
  readonly outputs: readonly (readonly number[])[];
  readonly opset?: number;
  /** Not all types have a kernel. */
  readonly types?: readonly Moved[];
}

const sizes = (...values: number[]) => host("i64", [values.length], values);

const MOVEMENTS: readonly Movement[] = [
  { name: "Identity", x: [3, 5], outputs: [[3, 5]] },
  {
    name: "Reshape",
    x: [4, 6, 5],
    inputs: ["x", "s"],
    initializers: () => ({ s: sizes(2, -1, 10) }),
    outputs: [[2, 6, 10]],
  },
  { name: "Flatten", x: [4, 6, 5], attributes: { axis: 1 }, outputs: [[4, 30]] },
  {
    name: "Squeeze",
    x: [4, 1, 5],
    inputs: ["x", "s"],
    initializers: () => ({ s: sizes(1) }),
    outputs: [[4, 5]],
  },
  {
    name: "Unsqueeze",
    x: [4, 5],
    inputs: ["x", "s"],
    initializers: () => ({ s: sizes(0, 3) }),
    outputs: [[1, 4, 5, 1]],
  },
  { name: "Transpose of two", x: [13, 37], attributes: { perm: [1, 0] }, outputs: [[37, 13]] },
  {
    name: "Transpose to last",
    x: [2, 17, 5, 7],
    attributes: { perm: [0, 2, 3, 1] },
    outputs: [[2, 5, 7, 17]],
  },
  {
    name: "Transpose to first",
    x: [2, 5, 7, 17],
    attributes: { perm: [0, 3, 1, 2] },
    outputs: [[2, 17, 5, 7]],
  },
  { name: "Transpose of all", x: [3, 4, 5, 6], attributes: { perm: [3, 1, 0, 2] }, outputs: [[6, 4, 3, 5]] },
  {
    name: "Concat",
    x: [3, 5, 4],
    inputs: ["x", "c", "x"],
    initializers: (draw, type) => ({ c: drawn(draw, type, [3, 2, 4]) }),
    attributes: { axis: 1 },
    outputs: [[3, 12, 4]],
  },
  {
    name: "Slice",
    x: [9, 20, 3],
    inputs: ["x", "from", "to", "axes", "steps"],
    initializers: () => ({ from: sizes(1, 18), to: sizes(8, 2), axes: sizes(0, 1), steps: sizes(2, -3) }),
    outputs: [[4, 6, 3]],
  },
  {
    name: "Split",
    x: [4, 11],
    inputs: ["x", "s"],
    initializers: () => ({ s: sizes(5, 6) }),
    attributes: { axis: 1 },
    outputs: [
      [4, 5],
      [4, 6],
    ],
  },
  {
    name: "Pad constant",
    x: [2, 5, 6],
    inputs: ["x", "p", "v"],
    initializers: (_, type) => ({ p: sizes(0, 2, 1, 1, 0, 3), v: scalar(type, 7) }),
    outputs: [[3, 7, 10]],
  },
  ...(["reflect", "edge"] as const).map((mode) => ({
    name: `Pad ${mode}`,
    x: [2, 5, 6],
    inputs: ["x", "p"],
    initializers: () => ({ p: sizes(0, 2, 1, 0, 1, 3) }),
    attributes: { mode },
    outputs: [[2, 8, 10]],
  })),
  {
    name: "Expand",
    x: [3, 1, 5],
    inputs: ["x", "s"],
    initializers: () => ({ s: sizes(2, 3, 4, 5) }),
    outputs: [[2, 3, 4, 5]],
  },
  {
    name: "Tile",
    x: [3, 5],
    inputs: ["x", "s"],
    initializers: () => ({ s: sizes(2, 3) }),
    outputs: [[6, 15]],
  },
  {
    name: "Gather rows",
    x: [20, 7],
    inputs: ["x", "i"],
    initializers: (draw) => ({ i: filled("i64", [3, 4], () => draw.int(-20, 19)) }),
    attributes: { axis: 0 },
    outputs: [[3, 4, 7]],
  },
  {
    name: "Gather of i32",
    x: [4, 20],
    inputs: ["x", "i"],
    initializers: (draw) => ({ i: filled("i32", [9], () => draw.int(0, 19)) }),
    attributes: { axis: 1 },
    outputs: [[4, 9]],
  },
  {
    name: "GatherElements",
    x: [6, 9],
    inputs: ["x", "i"],
    initializers: (draw) => ({ i: filled("i64", [6, 4], () => draw.int(0, 8)) }),
    attributes: { axis: 1 },
    outputs: [[6, 4]],
  },
  {
    name: "GatherND",
    x: [5, 6, 3],
    inputs: ["x", "i"],
    initializers: (draw) => ({ i: filled("i64", [7, 2], () => draw.int(0, 4)) }),
    outputs: [[7, 3]],
  },
  {
    name: "ScatterElements",
    x: [3, 9],
    inputs: ["x", "i", "u"],
    initializers: (draw, type) => ({
      i: host("i64", [3, 2], [0, 4, 8, 1, 3, 2]),
      u: drawn(draw, type, [3, 2]),
    }),
    attributes: { axis: 1 },
    outputs: [[3, 9]],
  },
  {
    name: "ScatterND",
    x: [6, 4],
    inputs: ["x", "i", "u"],
    initializers: (draw, type) => ({ i: host("i64", [2, 1], [4, 1]), u: drawn(draw, type, [2, 4]) }),
    outputs: [[6, 4]],
  },
  {
    name: "DepthToSpace",
    x: [1, 12, 3, 4],
    attributes: { blocksize: 2 },
    outputs: [[1, 3, 6, 8]],
    types: ["f32", "u8"],
  },
  {
    name: "SpaceToDepth",
    x: [1, 3, 6, 8],
    attributes: { blocksize: 2 },
    outputs: [[1, 12, 3, 4]],
    types: ["f32"],
  },
  {
    name: "Resize nearest twice",
    x: [1, 3, 5, 4],
    inputs: ["x", "", "scales"],
    initializers: () => ({ scales: host("f32", [4], [1, 1, 2, 2]) }),
    attributes: { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
    outputs: [[1, 3, 10, 8]],
    types: ["u8", "i32", "f32"],
  },
  {
    name: "Resize nearest to sizes",
    x: [1, 3, 5, 4],
    inputs: ["x", "", "", "sizes"],
    initializers: () => ({ sizes: sizes(1, 3, 7, 9) }),
    attributes: {
      mode: "nearest",
      coordinate_transformation_mode: "half_pixel",
      nearest_mode: "round_prefer_floor",
    },
    outputs: [[1, 3, 7, 9]],
    types: ["u8", "i32", "f32"],
  },
  {
    name: "Resize nearest, channels last",
    x: [1, 5, 4, 3],
    inputs: ["x", "", "", "sizes"],
    initializers: () => ({ sizes: sizes(1, 15, 8, 3) }),
    attributes: { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
    outputs: [[1, 15, 8, 3]],
    types: ["u8", "i32", "f32"],
  },
  {
    name: "Trilu",
    x: [3, 6, 7],
    inputs: ["x"],
    attributes: { upper: 0 },
    outputs: [[3, 6, 7]],
    opset: 14,
    types: ["f32", "i64"],
  },
];

function drawn(draw: Draw, type: ElementType, dims: readonly number[]): HostTensor {
  return filled(type, dims, () => edgeValue(draw, type));
}

function movement(what: Movement, type: Moved): KernelVector {
  const [op = "", ...rest] = what.name.split(" ");
  return defineVector([op, type, ...rest].join(" "), (draw) => {
    const names = what.outputs.map((_, index) => `y${index}`);
    return {
      feeds: { x: drawn(draw, type, what.x) },
      initializers: what.initializers?.(draw, type) ?? {},
      nodes: (model) => void model.node(op, what.inputs ?? ["x"], names, what.attributes ?? {}),
      outputs: Object.fromEntries(what.outputs.map((dims, index) => [`y${index}`, [type, dims] as const])),
      ...(what.opset === undefined ? {} : { opset: what.opset }),
    };
  });
}

/** A table of 256 entries read by u8 codes, as activations and exponentials are computed. */
const table = (type: "u8" | "f32" | "i32") =>
  defineVector(`Gather ${type} table`, (draw) => ({
    feeds: { x: filled("u8", [3, 67], () => draw.int(0, 255)) },
    initializers: { table: drawn(draw, type, [256]) },
    nodes: (model) =>
      void model.node("Cast", ["x"], ["i"], { to: 6 }).node("Gather", ["table", "i"], ["y"], { axis: 0 }),
    outputs: { y: [type, [3, 67]] },
  }));

const made: readonly KernelVector[] = [
  defineVector("Constant", () => ({
    feeds: { x: host("f32", [3], [1, 2, 3]) },
    nodes: (model) =>
      void model
        .node("Constant", [], ["c"], { value: host("f32", [3], [0.5, -0, 2 ** -149]) })
        .node("Mul", ["x", "c"], ["y"]),
    outputs: { y: ["f32", [3]] },
  })),
  defineVector("ConstantOfShape", () => ({
    feeds: { x: host("i64", [2], [3, 4]) },
    nodes: (model) => void model.node("ConstantOfShape", ["x"], ["y"], { value: host("i32", [1], [-7]) }),
    outputs: { y: ["i32", ["?", "?"]] },
  })),
  defineVector("Shape", (draw) => ({
    feeds: { x: drawn(draw, "u8", [3, 4, 5]) },
    nodes: (model) => void model.node("Shape", ["x"], ["y"]),
    outputs: { y: ["i64", [3]] },
  })),
  defineVector("Range", () => ({
    feeds: { x: scalar("i64", 40) },
    initializers: { from: scalar("i64", -3), step: scalar("i64", 4) },
    nodes: (model) => void model.node("Range", ["from", "x", "step"], ["y"]),
    outputs: { y: ["i64", ["?"]] },
  })),
  defineVector("OneHot", (draw) => ({
    feeds: { x: filled("i64", [11], () => draw.int(0, 9)) },
    initializers: { depth: scalar("i64", 10), values: host("f32", [2], [0, 1]) },
    nodes: (model) => void model.node("OneHot", ["x", "depth", "values"], ["y"]),
    outputs: { y: ["f32", [11, 10]] },
  })),
];

/** What moves numbers and does not change them. */
export const DATA_MOVEMENT: readonly KernelVector[] = [
  ...MOVEMENTS.flatMap((what) => (what.types ?? TYPES).map((type) => movement(what, type))),
  ...(["u8", "f32", "i32"] as const).map(table),
  ...made,
];
