import type { Random } from "../../../../contracts/test/support/random.ts";
import { ModelBuilder } from "../../../../engine/src/onnx/build.ts";
import type { Accumulate, Instruction, Operand } from "../../../../engine/src/program/instruction.ts";
import {
  bytesOf,
  expressionOf,
  floatImm,
  host,
  OPSET,
  type Op,
  type OperatorCase,
  operand,
  scalar,
} from "./case.ts";
import { byteValues, outputScale, zeroPoint } from "./values.ts";
import { randomWindow, windowAttributes } from "./window.ts";

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
