import type { Random } from "../../../contracts/test/support/random.ts";
import { ModelBuilder } from "../../../engine/src/onnx/build.ts";
import { ELEMENT_TYPES, type ElementType, type HostTensor } from "../../../engine/src/onnx/tensor.ts";
import type {
  Accumulate,
  Dtype,
  Instruction,
  Opcode,
  Operand,
} from "../../../engine/src/program/instruction.ts";

/**
 * One ONNX operator (or chain) with random contents, and by hand the instruction that the profile says it is: not the compiler's, so that
 * a mistake there cannot hide here.
 */
export interface OperatorCase {
  readonly what: string;
  readonly model: Uint8Array;
  readonly feeds: Readonly<Record<string, HostTensor>>;
  readonly instruction: Instruction;
  /** Bytes of each operand. */
  readonly tensors: readonly Uint8Array[];
  /** From onnxruntime's element number to the instruction's. */
  readonly place?: (element: number) => number;
}

const OPSET = 13;
type Types = Exclude<ElementType & Dtype, "i64">;

export function host(type: Types, dims: readonly number[], values: ArrayLike<number>): HostTensor {
  return { type, dims, data: ELEMENT_TYPES[type].array.from(values as never) as HostTensor["data"] };
}
const scalar = (type: Types, value: number) => host(type, [], [value]);

export function bytesOf({ data }: HostTensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

// --- contents

const RANGE = { u8: [0, 255], i8: [-128, 127] } as const;
type ByteType = keyof typeof RANGE;

/** Bytes: anything, or the ends of the range, or one value throughout. */
function byteValues(
  random: Random,
  type: ByteType,
  count: number,
  [low, high]: readonly [number, number] = RANGE[type],
) {
  const kind = random.int(0, 3);
  const one = random.pick([low, high]);
  return Array.from({ length: count }, () =>
    kind === 0 ? random.pick([low, high, random.int(low, high)]) : kind === 1 ? one : random.int(low, high),
  );
}

const EDGE_INTS = [
  0,
  1,
  -1,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 24 + 1,
  -(2 ** 24) - 1,
  2 ** 30,
  65_536,
  16_777_217,
];
function intValues(random: Random, count: number) {
  const edges = random.chance(0.5);
  return Array.from({ length: count }, () =>
    edges && random.chance(0.6) ? random.pick(EDGE_INTS) : (random.bits() | 0) >> random.int(0, 24),
  );
}

const EDGE_FLOATS = [
  0,
  -0,
  1,
  -1,
  0.5,
  1.5,
  2.5,
  -2.5,
  2 ** -149,
  -(2 ** -149),
  2 ** -126,
  3.4028234663852886e38,
  -3.4028234663852886e38,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  16_777_216,
  1e-20,
  1e20,
];
function floatValues(random: Random, count: number, scale = 1) {
  const kind = random.int(0, 2);
  return Array.from({ length: count }, () => {
    if (kind === 0 && random.chance(0.5)) return random.pick(EDGE_FLOATS);
    // Multiples of half a step: ties.
    if (random.chance(0.5)) return Math.fround((random.int(-600, 600) / 2) * scale);
    return Math.fround((random.int(-300_000, 300_000) / 1000) * scale);
  });
}

function scaleValue(random: Random): number {
  return Math.fround(
    random.pick([
      1,
      0.5,
      0.0078125,
      1 / 255,
      0.1,
      3,
      1e-6,
      1e6,
      1e-30,
      1e30,
      random.int(1, 10_000) / 10_000,
      random.int(1, 10_000) / 3e6,
    ]),
  );
}

/** Scale of a product: tends to bring accumulators of this size into the output's range, with ties now and then. */
function outputScale(random: Random, xs: number, ws: number, terms: number): number {
  const target = random.pick([xs * ws * terms * 20, xs * ws * terms, xs * ws * 2, xs * ws, 1]);
  const value = Math.fround(target);
  return Number.isFinite(value) && value > 2 ** -126 ? value : 1;
}

function zeroPoint(random: Random, type: ByteType): number {
  return random.pick([0, RANGE[type][0], RANGE[type][1], random.int(...(RANGE[type] as [number, number]))]);
}

// --- instructions

type Op = readonly [code: Opcode, a?: number, b?: number, imm?: number];

function expressionOf(operations: readonly Op[]): Instruction["expression"] {
  return operations.map(([code, a = 0, b = 0, imm = 0]) => ({ code, a, b, imm }));
}

const word = new DataView(new ArrayBuffer(4));
/** The immediate of a `float`. */
export function floatImm(value: number): number {
  word.setFloat32(0, value);
  return word.getInt32(0);
}

interface Place {
  readonly out: readonly number[];
  readonly reduce?: readonly number[];
  readonly offset?: number;
  readonly bounds?: Operand["bounds"];
}

function operand(
  dtype: Dtype,
  elements: number,
  index: number,
  { out, reduce = [], offset = 0, bounds = [] }: Place,
): Operand {
  return { space: "input", dtype, index, elements, map: { offset, out, reduce }, bounds };
}

/** An instruction without reduction, over flat tensors. */
function elementwise(
  outDtype: Dtype,
  count: number,
  operands: readonly Dtype[],
  expression: readonly Op[],
): Instruction {
  return {
    accumulate: "none",
    outDtype,
    outDims: [count],
    reduceDims: [],
    aZero: 0,
    bZero: 0,
    operands: operands.map((dtype, i) => operand(dtype, count, i, { out: [1] })),
    expression: expressionOf(expression),
  };
}

const quantiseTo = (type: ByteType): Opcode => (type === "u8" ? "quantise_u8" : "quantise_i8");

// --- operators

export function quantizeLinear(random: Random): OperatorCase {
  const type = random.pick(["u8", "i8"] as const);
  const count = random.int(1, 200);
  const scale = scaleValue(random);
  const zero = zeroPoint(random, type);
  const x = host("f32", [count], floatValues(random, count, scale));
  const model = new ModelBuilder(OPSET)
    .input("x", "f32", [count])
    .initializer("s", scalar("f32", scale))
    .initializer("z", scalar(type, zero))
    .node("QuantizeLinear", ["x", "s", "z"], ["y"])
    .output("y", type, [count]);
  const instruction = elementwise(
    type,
    count,
    ["f32"],
    [
      ["load", 0],
      ["float", 0, 0, floatImm(scale)],
      ["fdiv", 0, 1],
      ["int", 0, 0, zero],
      [quantiseTo(type), 2, 3],
    ],
  );
  return {
    what: `QuantizeLinear ${type}, scale ${scale}, zero ${zero}`,
    model: model.encode(),
    feeds: { x },
    instruction,
    tensors: [bytesOf(x)],
  };
}

export function dequantizeLinear(random: Random): OperatorCase {
  const type = random.pick(["u8", "i8", "i32"] as const);
  const count = random.int(1, 200);
  const scale = scaleValue(random);
  // onnxruntime allows no zero point but 0 for int32.
  const zero = type === "i32" ? 0 : zeroPoint(random, type);
  const x = host(type, [count], type === "i32" ? intValues(random, count) : byteValues(random, type, count));
  const model = new ModelBuilder(OPSET)
    .input("x", type, [count])
    .initializer("s", scalar("f32", scale))
    .initializer("z", scalar(type, zero))
    .node("DequantizeLinear", ["x", "s", "z"], ["y"])
    .output("y", "f32", [count]);
  const instruction = elementwise(
    "f32",
    count,
    [type],
    [
      ["load", 0],
      ["int", 0, 0, zero],
      ["isub", 0, 1],
      ["tofloat", 2],
      ["float", 0, 0, floatImm(scale)],
      ["fmul", 3, 4],
    ],
  );
  return {
    what: `DequantizeLinear ${type}, scale ${scale}, zero ${zero}`,
    model: model.encode(),
    feeds: { x },
    instruction,
    tensors: [bytesOf(x)],
  };
}

export function residualAdd(random: Random): OperatorCase {
  const type = random.pick(["u8", "i8"] as const);
  const count = random.int(1, 200);
  const [as, bs] = [scaleValue(random), scaleValue(random)];
  const ys = random.pick([as, bs, scaleValue(random), Math.fround(as * 2)]);
  const [az, bz, yz] = [zeroPoint(random, type), zeroPoint(random, type), zeroPoint(random, type)];
  const a = host(type, [count], byteValues(random, type, count));
  const b = host(type, [count], byteValues(random, type, count));
  const model = new ModelBuilder(OPSET).input("a", type, [count]).input("b", type, [count]);
  for (const [name, scale, zero] of [
    ["a", as, az],
    ["b", bs, bz],
    ["y", ys, yz],
  ] as const) {
    model.initializer(`${name}s`, scalar("f32", scale)).initializer(`${name}z`, scalar(type, zero));
  }
  model
    .node("DequantizeLinear", ["a", "as", "az"], ["da"])
    .node("DequantizeLinear", ["b", "bs", "bz"], ["db"])
    .node("Add", ["da", "db"], ["sum"])
    .node("QuantizeLinear", ["sum", "ys", "yz"], ["y"])
    .output("y", type, [count]);
  const instruction = elementwise(
    type,
    count,
    [type, type],
    [
      ["load", 0],
      ["int", 0, 0, az],
      ["isub", 0, 1],
      ["tofloat", 2],
      ["float", 0, 0, floatImm(as)],
      ["fmul", 3, 4],
      ["load", 1],
      ["int", 0, 0, bz],
      ["isub", 6, 7],
      ["tofloat", 8],
      ["float", 0, 0, floatImm(bs)],
      ["fmul", 9, 10],
      ["fadd", 5, 11],
      ["float", 0, 0, floatImm(ys)],
      ["fdiv", 12, 13],
      ["int", 0, 0, yz],
      [quantiseTo(type), 14, 15],
    ],
  );
  return {
    what: `residual Add ${type}, scales ${as} ${bs} ${ys}`,
    model: model.encode(),
    feeds: { a, b },
    instruction,
    tensors: [bytesOf(a), bytesOf(b)],
  };
}

/** i32 and f32 arithmetic, element by element. */
export function arithmetic(random: Random): OperatorCase {
  const [op, type, code] = random.pick([
    ["Add", "i32", "iadd"],
    ["Sub", "i32", "isub"],
    ["Mul", "i32", "imul"],
    ["Max", "i32", "imax"],
    ["Min", "i32", "imin"],
    ["Add", "f32", "fadd"],
    ["Sub", "f32", "fsub"],
    ["Mul", "f32", "fmul"],
    ["Div", "f32", "fdiv"],
  ] as const);
  const count = random.int(1, 300);
  const values = () =>
    host(
      type,
      [count],
      type === "i32" ? intValues(random, count) : floatValues(random, count, scaleValue(random)),
    );
  const [a, b] = [values(), values()];
  const model = new ModelBuilder(OPSET)
    .input("a", type, [count])
    .input("b", type, [count])
    .node(op, ["a", "b"], ["y"])
    .output("y", type, [count]);
  const instruction = elementwise(
    type,
    count,
    [type, type],
    [
      ["load", 0],
      ["load", 1],
      [code, 0, 1],
    ],
  );
  return {
    what: `${op} ${type}`,
    model: model.encode(),
    feeds: { a, b },
    instruction,
    tensors: [bytesOf(a), bytesOf(b)],
  };
}

export function castToFloat(random: Random): OperatorCase {
  const type = random.pick(["u8", "i8", "i32", "i32"] as const);
  const count = random.int(1, 200);
  const x = host(type, [count], type === "i32" ? intValues(random, count) : byteValues(random, type, count));
  const model = new ModelBuilder(OPSET)
    .input("x", type, [count])
    .node("Cast", ["x"], ["y"], { to: 1 })
    .output("y", "f32", [count]);
  const instruction = elementwise(
    "f32",
    count,
    [type],
    [
      ["load", 0],
      ["tofloat", 0],
    ],
  );
  return {
    what: `Cast ${type} to f32`,
    model: model.encode(),
    feeds: { x },
    instruction,
    tensors: [bytesOf(x)],
  };
}

export function clip(random: Random): OperatorCase {
  const type = random.pick(["u8", "i8", "i32"] as const);
  const count = random.int(1, 200);
  const values = type === "i32" ? intValues(random, count) : byteValues(random, type, count);
  const [low, high] = [random.pick(values), random.pick(values)].sort((a, b) => a - b) as [number, number];
  const x = host(type, [count], values);
  const model = new ModelBuilder(OPSET)
    .input("x", type, [count])
    .initializer("low", scalar(type, low))
    .initializer("high", scalar(type, high))
    .node("Clip", ["x", "low", "high"], ["y"])
    .output("y", type, [count]);
  const instruction = elementwise(
    type,
    count,
    [type],
    [
      ["load", 0],
      ["int", 0, 0, low],
      ["imax", 0, 1],
      ["int", 0, 0, high],
      ["imin", 2, 3],
    ],
  );
  return {
    what: `Clip ${type} to ${low}..${high}`,
    model: model.encode(),
    feeds: { x },
    instruction,
    tensors: [bytesOf(x)],
  };
}

/** ReduceSum over the middle dimension of int32. */
export function reduceSum(random: Random): OperatorCase {
  const [a, n, b] = [random.int(1, 4), random.int(1, 60), random.int(1, 5)];
  // onnxruntime's int32 ReduceSum does not wrap (it saturated in 1.30.0): only sums that fit are the profile's.
  const most = Math.floor((2 ** 31 - 1) / n);
  const values = Array.from({ length: a * n * b }, () => random.pick([most, -most, random.int(-most, most)]));
  const x = host("i32", [a, n, b], values);
  const model = new ModelBuilder(OPSET)
    .input("x", "i32", [a, n, b])
    .initializer("axes", { type: "i64", dims: [1], data: BigInt64Array.from([1n]) })
    .node("ReduceSum", ["x", "axes"], ["y"], { keepdims: 0 })
    .output("y", "i32", [a, b]);
  const instruction: Instruction = {
    ...elementwise("i32", 1, [], [["acc"]]),
    accumulate: "sum",
    outDims: [a, b],
    reduceDims: [n],
    operands: [operand("i32", a * n * b, 0, { out: [n * b, 1], reduce: [b] })],
  };
  return {
    what: `ReduceSum ${a}x${n}x${b}`,
    model: model.encode(),
    feeds: { x },
    instruction,
    tensors: [bytesOf(x)],
  };
}

interface Window {
  readonly height: number;
  readonly width: number;
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  readonly outHeight: number;
  readonly outWidth: number;
}

/** A window that fits, with padding smaller than the (dilated) kernel. */
function randomWindow(random: Random, largest: number): Window {
  for (;;) {
    const [height, width] = [random.int(1, largest), random.int(1, largest)];
    const kernel = [random.int(1, 4), random.int(1, 4)] as const;
    const strides = [random.int(1, 3), random.int(1, 3)] as const;
    const dilations = random.chance(0.7)
      ? ([1, 1] as const)
      : ([random.int(1, 3), random.int(1, 2)] as const);
    const pad = (k: number) => (random.chance(0.4) ? 0 : random.int(0, k - 1));
    const pads = [pad(kernel[0]), pad(kernel[1]), pad(kernel[0]), pad(kernel[1])] as const;
    const outHeight =
      Math.floor((height + pads[0] + pads[2] - dilations[0] * (kernel[0] - 1) - 1) / strides[0]) + 1;
    const outWidth =
      Math.floor((width + pads[1] + pads[3] - dilations[1] * (kernel[1] - 1) - 1) / strides[1]) + 1;
    if (outHeight >= 1 && outWidth >= 1)
      return { height, width, kernel, strides, dilations, pads, outHeight, outWidth };
  }
}

/** Every position of the window sees the picture: a maximum of nothing is malformed. */
function seesPicture({
  height,
  width,
  kernel,
  strides,
  dilations,
  pads,
  outHeight,
  outWidth,
}: Window): boolean {
  const sees = (axis: 0 | 1, size: number, positions: number) => {
    for (let position = 0; position < positions; position++) {
      let seen = false;
      for (let tap = 0; tap < kernel[axis]; tap++) {
        const at = position * strides[axis] - pads[axis] + tap * dilations[axis];
        seen ||= at >= 0 && at < size;
      }
      if (!seen) return false;
    }
    return true;
  };
  return sees(0, height, outHeight) && sees(1, width, outWidth);
}

const windowAttributes = ({ kernel, strides, dilations, pads }: Window) => ({
  kernel_shape: kernel,
  strides,
  dilations,
  pads,
});

export function maxPool(random: Random): OperatorCase {
  const type = random.pick(["u8", "i8"] as const);
  let window = randomWindow(random, 7);
  while (!seesPicture(window)) window = randomWindow(random, 7);
  const { height: h, width: w, kernel, strides, dilations, pads, outHeight, outWidth } = window;
  const c = random.int(1, 4);
  const x = host(type, [1, c, h, w], byteValues(random, type, c * h * w));
  const model = new ModelBuilder(OPSET)
    .input("x", type, [1, c, h, w])
    .node("MaxPool", ["x"], ["y"], windowAttributes(window))
    .output("y", type, [1, c, outHeight, outWidth]);
  const instruction: Instruction = {
    ...elementwise(type, 1, [], [["acc"]]),
    accumulate: "max",
    outDims: [c, outHeight, outWidth],
    reduceDims: [...kernel],
    operands: [
      operand(type, c * h * w, 0, {
        offset: -pads[0] * w - pads[1],
        out: [h * w, strides[0] * w, strides[1]],
        reduce: [dilations[0] * w, dilations[1]],
        bounds: [
          { limit: h, offset: -pads[0], out: [0, strides[0], 0], reduce: [dilations[0], 0] },
          { limit: w, offset: -pads[1], out: [0, 0, strides[1]], reduce: [0, dilations[1]] },
        ],
      }),
    ],
  };
  return {
    what: `MaxPool ${type} ${JSON.stringify(window)}`,
    model: model.encode(),
    feeds: { x },
    instruction,
    tensors: [bytesOf(x)],
  };
}

/** QLinearConv and ConvInteger, in onnxruntime's layout or channels-last with reversed weights (which the referee reads in long runs). */
export function convolution(random: Random): OperatorCase {
  const quantised = random.chance(0.6);
  const channelsLast = random.chance(0.5);
  const xType = "u8";
  const wType = random.pick(["u8", "i8"] as const);
  const window = randomWindow(random, 7);
  const { height: h, width: w, kernel, strides, dilations, pads, outHeight, outWidth } = window;
  const [kh, kw] = kernel;
  const groups = random.pick([1, 1, 1, 2, 3]);
  // Depthwise: one channel a group.
  const cg = random.chance(0.3) ? 1 : random.pick([2, 3, 8, 20, 40]);
  const mg = random.int(1, 3);
  const [c, m] = [groups * cg, groups * mg];
  const k = cg * kh * kw;
  const xValues = byteValues(random, xType, c * h * w);
  const wValues = byteValues(random, wType, m * k);
  const x = host(xType, [1, c, h, w], xValues);
  const weights = host(wType, [m, cg, kh, kw], wValues);
  const xz = zeroPoint(random, xType);
  const wz = wType === "u8" ? zeroPoint(random, "u8") : 0;
  const [xs, ws] = [Math.fround(random.int(1, 500) / 5000), Math.fround(random.int(1, 500) / 5000)];
  const perChannel = Array.from({ length: m }, () =>
    random.chance(0.5) ? ws : Math.fround(random.int(1, 500) / 5000),
  );
  const ys = outputScale(random, xs, ws, k);
  const yz = zeroPoint(random, "u8");
  const biasValues = Array.from({ length: m }, () =>
    random.pick([0, random.int(-5000, 5000), 2 ** 31 - 1, -(2 ** 31)]),
  );
  const withBias = quantised && random.chance(0.7);

  const model = new ModelBuilder(OPSET)
    .input("x", xType, [1, c, h, w])
    .initializer("w", weights)
    .initializer("xz", scalar(xType, xz))
    .initializer("wz", scalar(wType, wz));
  const attributes = { ...windowAttributes(window), group: groups };
  if (quantised) {
    model
      .initializer("xs", scalar("f32", xs))
      .initializer("ws", host("f32", [m], perChannel))
      .initializer(
        "wzs",
        host(
          wType,
          [m],
          perChannel.map(() => wz),
        ),
      )
      .initializer("ys", scalar("f32", ys))
      .initializer("yz", scalar("u8", yz));
    if (withBias) model.initializer("b", host("i32", [m], biasValues));
    const inputs = ["x", "xs", "xz", "w", "ws", "wzs", "ys", "yz", ...(withBias ? ["b"] : [])];
    model.node("QLinearConv", inputs, ["y"], attributes).output("y", "u8", [1, m, outHeight, outWidth]);
  } else {
    model
      .node("ConvInteger", ["x", "w", "xz", "wz"], ["y"], attributes)
      .output("y", "i32", [1, m, outHeight, outWidth]);
  }

  // Channels-last puts (oh, ow) before (group, channel of group) and the kernel before the channel.
  const order = <Value>(g: Value, channel: Value, oh: Value, ow: Value) =>
    channelsLast ? [oh, ow, g, channel] : [g, channel, oh, ow];
  const reduceOrder = <Value>(channel: Value, y: Value, x: Value) =>
    channelsLast ? [y, x, channel] : [channel, y, x];
  // Strides of x per channel, row and column; of the weights per output channel, channel, row and column.
  const [xc, xh, xw] = channelsLast ? [1, w * c, c] : [h * w, w, 1];
  const [wc, wh, ww] = channelsLast ? [-1, -kw * cg, -cg] : [kh * kw, kw, 1];
  const wm = channelsLast ? -k : k;
  const operands: Operand[] = [
    operand(xType, c * h * w, 0, {
      offset: -pads[0] * xh - pads[1] * xw,
      out: order(cg * xc, 0, strides[0] * xh, strides[1] * xw),
      reduce: reduceOrder(xc, dilations[0] * xh, dilations[1] * xw),
      bounds: [
        {
          limit: h,
          offset: -pads[0],
          out: order(0, 0, strides[0], 0),
          reduce: reduceOrder(0, dilations[0], 0),
        },
        {
          limit: w,
          offset: -pads[1],
          out: order(0, 0, 0, strides[1]),
          reduce: reduceOrder(0, 0, dilations[1]),
        },
      ],
    }),
    operand(wType, m * k, 1, {
      offset: channelsLast ? m * k - 1 : 0,
      out: order(mg * wm, wm, 0, 0),
      reduce: reduceOrder(wc, wh, ww),
    }),
    operand("i32", m, 2, { out: order(mg, 1, 0, 0), reduce: [0, 0, 0] }),
    operand("f32", m, 3, { out: order(mg, 1, 0, 0), reduce: [0, 0, 0] }),
  ];
  const expression: Op[] = quantised
    ? [
        ["acc"],
        withBias ? ["load", 2] : ["int"],
        ["iadd", 0, 1],
        ["tofloat", 2],
        ["load", 3],
        ["fmul", 3, 4],
        ["int", 0, 0, yz],
        ["quantise_u8", 5, 6],
      ]
    : [["acc"]];
  const instruction: Instruction = {
    accumulate: "dot",
    outDtype: quantised ? "u8" : "i32",
    outDims: order(groups, mg, outHeight, outWidth),
    reduceDims: reduceOrder(cg, kh, kw),
    aZero: xz,
    bZero: wz,
    operands: quantised ? operands : operands.slice(0, 2),
    expression: expressionOf(expression),
  };
  const scales = perChannel.map((scale) => Math.fround(Math.fround(xs * scale) / ys));
  const area = outHeight * outWidth;
  const tensors = [
    bytesOf(channelsLast ? host(xType, [], transposed(xValues, c, h * w)) : x),
    bytesOf(channelsLast ? host(wType, [], reversedWeights(wValues, m, cg, kh * kw)) : weights),
    ...(quantised ? [bytesOf(host("i32", [m], biasValues)), bytesOf(host("f32", [m], scales))] : []),
  ];
  return {
    what: `${quantised ? "QLinearConv" : "ConvInteger"} u8 x ${wType}${channelsLast ? ", channels last" : ""}, ${groups} groups of ${cg}, ${JSON.stringify(window)}`,
    model: model.encode(),
    feeds: { x },
    instruction,
    tensors,
    ...(channelsLast
      ? { place: (element: number) => (element % area) * m + Math.floor(element / area) }
      : {}),
  };
}

/** [rows][columns] to [columns][rows]. */
function transposed(values: readonly number[], rows: number, columns: number): number[] {
  return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)] as number);
}

/** [m][channel][kernel position] to [m][kernel position][channel], back to front. */
function reversedWeights(values: readonly number[], m: number, channels: number, area: number): number[] {
  const size = channels * area;
  return Array.from({ length: m }, (_, i) =>
    transposed(values.slice(i * size, (i + 1) * size), channels, area),
  )
    .flat()
    .reverse();
}

/** QLinearMatMul and MatMulInteger, with B as it stands or transposed and reversed. */
export function matrixProduct(random: Random, wide = false): OperatorCase {
  const quantised = !wide && random.chance(0.5);
  const reversed = random.chance(0.5);
  const bType = wide ? "u8" : random.pick(["u8", "i8"] as const);
  const [rows, columns] = wide ? [1, 2] : [random.int(1, 5), random.int(1, 6)];
  // 255 * 255 * 33,027 passes 2^31: the accumulator wraps.
  const k = wide
    ? random.int(33_027, 70_000)
    : random.pick([1, 7, 8, 31, 32, 33, 64, 100, random.int(1, 700)]);
  const aValues = wide
    ? Array.from({ length: rows * k }, () => random.pick([255, 255, 255, 254]))
    : byteValues(random, "u8", rows * k);
  const bValues = wide
    ? Array.from({ length: k * columns }, () => random.pick([255, 255, 253]))
    : byteValues(random, bType, k * columns);
  const [az, bz] = wide
    ? [random.pick([0, 1]), 0]
    : [zeroPoint(random, "u8"), bType === "u8" ? zeroPoint(random, "u8") : random.pick([0, 0, 3, -5])];
  const [as, bs] = [Math.fround(random.int(1, 500) / 5000), Math.fround(random.int(1, 500) / 5000)];
  const ys = outputScale(random, as, bs, k);
  const yz = zeroPoint(random, "u8");
  const a = host("u8", [rows, k], aValues);
  const b = host(bType, [k, columns], bValues);
  const model = new ModelBuilder(OPSET)
    .input("a", "u8", [rows, k])
    .initializer("b", b)
    .initializer("az", scalar("u8", az))
    .initializer("bz", scalar(bType, bz));
  if (quantised) {
    model
      .initializer("as", scalar("f32", as))
      .initializer("bs", scalar("f32", bs))
      .initializer("ys", scalar("f32", ys))
      .initializer("yz", scalar("u8", yz))
      .node("QLinearMatMul", ["a", "as", "az", "b", "bs", "bz", "ys", "yz"], ["y"])
      .output("y", "u8", [rows, columns]);
  } else {
    model.node("MatMulInteger", ["a", "b", "az", "bz"], ["y"]).output("y", "i32", [rows, columns]);
  }
  const scale = Math.fround(Math.fround(as * bs) / ys);
  const accumulate: Accumulate = "dot";
  const instruction: Instruction = {
    accumulate,
    outDtype: quantised ? "u8" : "i32",
    outDims: [rows, columns],
    reduceDims: [k],
    aZero: az,
    bZero: bz,
    operands: [
      operand("u8", rows * k, 0, { out: [k, 0], reduce: [1] }),
      operand(
        bType,
        k * columns,
        1,
        reversed
          ? { offset: k * columns - 1, out: [0, -k], reduce: [-1] }
          : { out: [0, 1], reduce: [columns] },
      ),
    ],
    expression: expressionOf(
      quantised
        ? [
            ["acc"],
            ["tofloat", 0],
            ["float", 0, 0, floatImm(scale)],
            ["fmul", 1, 2],
            ["int", 0, 0, yz],
            ["quantise_u8", 3, 4],
          ]
        : [["acc"]],
    ),
  };
  const tensors = [
    bytesOf(a),
    bytesOf(reversed ? host(bType, [], transposed(bValues, k, columns).reverse()) : b),
  ];
  return {
    what: `${quantised ? "QLinearMatMul" : "MatMulInteger"} ${rows}x${k}x${columns} u8 x ${bType}${reversed ? ", B reversed" : ""}`,
    model: model.encode(),
    feeds: { a },
    instruction,
    tensors,
  };
}
