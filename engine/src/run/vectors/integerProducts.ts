import type { HostTensor } from "../../onnx/tensor.ts";
import { roundToEven } from "./elementwise.ts";
import {
  channelsLast,
  countOf,
  type Draw,
  defineVector,
  filled,
  host,
  type KernelVector,
  scalar,
} from "./vector.ts";

/** How weights lie in memory: 7 bits as int8, all 8 as int8, and those shifted into uint8. */
const FORMS = {
  "u8xi8 7-bit": { type: "i8", largest: 64, smallest: -64, shift: 0 },
  "u8xi8 wide": { type: "i8", largest: 127, smallest: -128, shift: 0 },
  u8xu8: { type: "u8", largest: 127, smallest: -128, shift: 128 },
} as const;
type Form = keyof typeof FORMS;
const FORM_NAMES = Object.keys(FORMS) as Form[];

const holdsOf = (form: Form) => (form === "u8xi8 wide" ? "wide weights" : "every CPU");

/** Half the activations are 255: with the weights below every pair of neighbouring products is beyond 16 bits. */
function activations(draw: Draw, dims: readonly number[]): HostTensor {
  return filled("u8", dims, () => (draw.int(0, 1) === 0 ? 255 : draw.int(0, 255)));
}

/** One third of the rows or columns at each end of the range, one third anything. */
function weightValues(draw: Draw, form: Form, count: number, channelOf: (index: number) => number): number[] {
  const { largest, smallest } = FORMS[form];
  return Array.from({ length: count }, (_, index) => {
    const kind = channelOf(index) % 3;
    return kind === 0 ? largest : kind === 1 ? smallest : draw.int(smallest, largest);
  });
}

/** Requantisation as docs/exact-profile.md has it. */
export function requantise(accumulated: number, scale: number, zero: number): number {
  const scaled = Math.fround(Math.fround(accumulated) * scale);
  return roundToEven(Math.min(Math.max(scaled, 0 - zero), 255 - zero)) + zero;
}

const X_SCALE = Math.fround(0.02);
const Y_SCALE = Math.fround(0.6);
const Y_ZERO = 119;
const outputScale = (weightScale: number) =>
  Math.fround(Math.fround(X_SCALE * Math.fround(weightScale)) / Y_SCALE);
const weightScales = (channels: number) =>
  Array.from({ length: channels }, (_, c) => Math.fround(0.01 + 0.003 * (c % 7)));

// --- matrix products

interface ProductShape {
  /** Sizes of leading dimensions that both operands have. */
  readonly batch?: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly zero: number;
}

/** Rows of one (a kernel of its own), full and partial tiles of every kernel, inner sizes that are not multiples of 4, 8 or 16. */
const PRODUCTS: readonly ProductShape[] = [
  { rows: 1, inner: 130, columns: 67, zero: 0 },
  { rows: 1, inner: 64, columns: 128, zero: 128 },
  { rows: 3, inner: 7, columns: 5, zero: 255 },
  { rows: 5, inner: 33, columns: 16, zero: 117 },
  { rows: 13, inner: 256, columns: 48, zero: 128 },
  { rows: 2, inner: 1, columns: 3, zero: 3 },
  { batch: 3, rows: 4, inner: 18, columns: 9, zero: 200 },
];

/** Sums beyond 2^24, which f32 rounds. */
const LONG_PRODUCT: ProductShape = { rows: 3, inner: 1100, columns: 19, zero: 3 };
const SCALED = "com.microsoft.MatMulIntegerToFloat";

function product(
  op: "MatMulInteger" | "QLinearMatMul" | typeof SCALED,
  shape: ProductShape,
  form: Form,
): KernelVector {
  const { batch, rows, inner, columns, zero } = shape;
  const lead = batch === undefined ? [] : [batch];
  const what = `${[...lead, rows].join("x")}x${inner}x${columns}`;
  return defineVector(
    `${op} ${form} ${what}`,
    (draw) => {
      const { type, shift } = FORMS[form];
      const x = activations(draw, [...lead, rows, inner]);
      const weightDims = [...lead, inner, columns];
      const weights = weightValues(draw, form, countOf(weightDims), (index) => index % columns);
      const weight = host(
        type,
        weightDims,
        weights.map((value) => value + shift),
      );
      // QLinearMatMul of a batch takes one scale for all columns.
      const scales = batch === undefined ? weightScales(columns) : [Math.fround(0.01)];
      const accumulate = () => {
        const sums = new Int32Array(countOf([...lead, rows, columns]));
        for (let b = 0; b < (batch ?? 1); b++)
          for (let m = 0; m < rows; m++)
            for (let n = 0; n < columns; n++) {
              let sum = 0;
              for (let k = 0; k < inner; k++)
                sum +=
                  ((x.data[(b * rows + m) * inner + k] as number) - zero) *
                  (weights[(b * inner + k) * columns + n] as number);
              sums[(b * rows + m) * columns + n] = sum;
            }
        return sums;
      };
      const common = { x_zero: scalar("u8", zero), w: weight, w_zero: scalar(type, shift) };
      const yDims = [...lead, rows, columns];
      if (op === "MatMulInteger") {
        return {
          feeds: { x },
          initializers: common,
          nodes: (model) => void model.node(op, ["x", "w", "x_zero", "w_zero"], ["y"]),
          outputs: { y: ["i32", yDims] },
          expected: () => [accumulate()],
        };
      }
      const perColumn = batch === undefined ? [columns] : [];
      if (op === SCALED) {
        const factors = scales.map((scale) => Math.fround(X_SCALE * scale));
        return {
          feeds: { x },
          initializers: {
            ...common,
            x_scale: scalar("f32", X_SCALE),
            w_scale: host("f32", perColumn, scales),
          },
          nodes: (model) => void model.node(op, ["x", "w", "x_scale", "w_scale", "x_zero", "w_zero"], ["y"]),
          outputs: { y: ["f32", yDims] },
          expected: () => [
            Float32Array.from(
              accumulate(),
              (sum, index) => Math.fround(sum) * (factors[(index % columns) % factors.length] as number),
            ),
          ],
        };
      }
      return {
        feeds: { x },
        initializers: {
          ...common,
          x_scale: scalar("f32", X_SCALE),
          w_scale: host("f32", perColumn, scales),
          y_scale: scalar("f32", Y_SCALE),
          y_zero: scalar("u8", Y_ZERO),
          w_zeros: filled(type, perColumn, () => shift),
        },
        nodes: (model) =>
          void model.node(
            op,
            ["x", "x_scale", "x_zero", "w", "w_scale", "w_zeros", "y_scale", "y_zero"],
            ["y"],
          ),
        outputs: { y: ["u8", yDims] },
        expected: () => [
          Uint8Array.from(accumulate(), (sum, index) =>
            requantise(sum, outputScale(scales[(index % columns) % scales.length] as number), Y_ZERO),
          ),
        ],
      };
    },
    holdsOf(form),
  );
}

// --- convolutions

interface ConvolutionShape {
  readonly what: string;
  /** Images, channels, then one or two sizes. */
  readonly x: readonly number[];
  readonly channels: number;
  readonly group: number;
  readonly kernel: readonly number[];
  readonly stride: number;
  readonly dilation: number;
  readonly pad: number;
  readonly zero: number;
}

const plain = { group: 1, stride: 1, dilation: 1, pad: 1, kernel: [3, 3] } as const;
/** What onnxruntime has kernels of their own for: 1x1, depthwise (3x3, 5x5, others), 16-channel blocks, groups; and odd sizes of each. */
const CONVOLUTIONS: readonly ConvolutionShape[] = [
  { ...plain, what: "3x3", x: [1, 16, 6, 7], channels: 32, zero: 0 },
  { ...plain, what: "3x3 odd", x: [2, 3, 5, 5], channels: 7, zero: 117 },
  { ...plain, what: "3x3 stride", x: [1, 20, 9, 8], channels: 16, stride: 2, zero: 128 },
  { ...plain, what: "3x3 dilated", x: [1, 8, 9, 9], channels: 12, dilation: 2, pad: 2, zero: 255 },
  { ...plain, what: "1x1", x: [1, 64, 4, 5], channels: 48, kernel: [1, 1], pad: 0, zero: 128 },
  { ...plain, what: "1x1 odd", x: [1, 37, 3, 3], channels: 19, kernel: [1, 1], pad: 0, zero: 9 },
  { ...plain, what: "1x1 of one", x: [1, 96, 1, 1], channels: 24, kernel: [1, 1], pad: 0, zero: 0 },
  { ...plain, what: "depthwise 3x3", x: [1, 48, 6, 6], channels: 48, group: 48, zero: 128 },
  {
    ...plain,
    what: "depthwise 5x5",
    x: [1, 19, 7, 7],
    channels: 19,
    group: 19,
    kernel: [5, 5],
    pad: 2,
    stride: 2,
    zero: 0,
  },
  {
    ...plain,
    what: "depthwise 7x1",
    x: [1, 16, 9, 4],
    channels: 16,
    group: 16,
    kernel: [7, 1],
    pad: 0,
    zero: 77,
  },
  { ...plain, what: "depthwise of two", x: [1, 8, 5, 5], channels: 16, group: 8, zero: 117 },
  { ...plain, what: "grouped", x: [1, 32, 5, 6], channels: 32, group: 4, zero: 128 },
  { ...plain, what: "1d", x: [1, 12, 30], channels: 16, kernel: [5], pad: 2, zero: 128 },
];

/** Sums of a convolution without bias, and the channel of each. */
function convolve(shape: ConvolutionShape, x: HostTensor, weights: readonly number[]) {
  const { channels, group, stride, dilation, pad, zero } = shape;
  const [images = 1, planes = 1, ...sizes] = shape.x;
  const [height, width] = sizes.length === 1 ? [1, sizes[0] ?? 1] : [sizes[0] ?? 1, sizes[1] ?? 1];
  const [kh, kw] =
    shape.kernel.length === 1 ? [1, shape.kernel[0] ?? 1] : [shape.kernel[0] ?? 1, shape.kernel[1] ?? 1];
  const is1d = sizes.length === 1;
  const padH = is1d ? 0 : pad;
  const strideH = is1d ? 1 : stride;
  const oh = Math.floor((height + 2 * padH - dilation * (kh - 1) - 1) / strideH) + 1;
  const ow = Math.floor((width + 2 * pad - dilation * (kw - 1) - 1) / stride) + 1;
  const perGroup = planes / group;
  const sums = new Int32Array(images * channels * oh * ow);
  let at = 0;
  for (let n = 0; n < images; n++)
    for (let m = 0; m < channels; m++)
      for (let row = 0; row < oh; row++)
        for (let column = 0; column < ow; column++) {
          const first = Math.floor(m / (channels / group)) * perGroup;
          let sum = 0;
          for (let c = 0; c < perGroup; c++)
            for (let r = 0; r < kh; r++)
              for (let s = 0; s < kw; s++) {
                const y = row * strideH - padH + r * dilation;
                const z = column * stride - pad + s * dilation;
                if (y < 0 || y >= height || z < 0 || z >= width) continue;
                const value = x.data[((n * planes + first + c) * height + y) * width + z] as number;
                sum += (value - zero) * (weights[((m * perGroup + c) * kh + r) * kw + s] as number);
              }
          sums[at++] = sum;
        }
  const positions = oh * ow;
  return {
    sums,
    dims: [images, channels, ...(is1d ? [ow] : [oh, ow])],
    channelOf: (i: number) => Math.floor(i / positions) % channels,
  };
}

/** onnxruntime's own QLinearConv with `channels_last`. */
const CHANNELS_LAST = "com.microsoft.QLinearConv";

function convolution(
  op: "ConvInteger" | "QLinearConv" | typeof CHANNELS_LAST,
  shape: ConvolutionShape,
  form: Form,
): KernelVector {
  return defineVector(
    `${op} ${form} ${shape.what}`,
    (draw) => {
      const { type, shift } = FORMS[form];
      const { channels, group, kernel, stride, dilation, pad, zero } = shape;
      const image = activations(draw, shape.x);
      const isLast = op === CHANNELS_LAST;
      const x = isLast ? channelsLast(image) : image;
      const weightDims = [channels, (shape.x[1] ?? 1) / group, ...kernel];
      const perChannel = countOf(weightDims) / channels;
      const weights = weightValues(draw, form, countOf(weightDims), (index) =>
        Math.floor(index / perChannel),
      );
      const { sums, dims, channelOf } = convolve(shape, image, weights);
      const attributes = {
        kernel_shape: kernel,
        group,
        strides: kernel.map(() => stride),
        dilations: kernel.map(() => dilation),
        pads: [...kernel, ...kernel].map(() => pad),
        ...(isLast ? { channels_last: 1 } : {}),
      };
      const common = {
        x_zero: scalar("u8", zero),
        w: host(
          type,
          weightDims,
          weights.map((value) => value + shift),
        ),
      };
      if (op === "ConvInteger") {
        return {
          feeds: { x },
          initializers: { ...common, w_zero: scalar(type, shift) },
          nodes: (model) => void model.node(op, ["x", "w", "x_zero", "w_zero"], ["y"], attributes),
          outputs: { y: ["i32", dims] },
          expected: () => [sums],
        };
      }
      const scales = weightScales(channels);
      const bias = Array.from({ length: channels }, () => draw.int(-100_000, 100_000));
      return {
        feeds: { x },
        initializers: {
          ...common,
          x_scale: scalar("f32", X_SCALE),
          w_scale: host("f32", [channels], scales),
          w_zero: filled(type, [channels], () => shift),
          y_scale: scalar("f32", Y_SCALE),
          y_zero: scalar("u8", Y_ZERO),
          bias: host("i32", [channels], bias),
        },
        nodes: (model) =>
          void model.node(
            op,
            ["x", "x_scale", "x_zero", "w", "w_scale", "w_zero", "y_scale", "y_zero", "bias"],
            ["y"],
            attributes,
          ),
        outputs: { y: ["u8", isLast ? [dims[0] ?? 1, ...dims.slice(2), channels] : dims] },
        expected: () => {
          const bytes = Uint8Array.from(sums, (sum, index) => {
            const channel = channelOf(index);
            return requantise(
              (sum + (bias[channel] ?? 0)) | 0,
              outputScale(scales[channel] as number),
              Y_ZERO,
            );
          });
          return [isLast ? channelsLast({ type: "u8", dims, data: bytes }).data : bytes];
        },
      };
    },
    holdsOf(form),
  );
}

/** u8 x u8 of two activations, which have no form to choose. */
function activationProduct(rows: number, inner: number, columns: number): KernelVector {
  return defineVector(`MatMulInteger of activations ${rows}x${inner}x${columns}`, (draw) => {
    const a = activations(draw, [2, rows, inner]);
    const b = activations(draw, [2, inner, columns]);
    return {
      feeds: { a, b },
      initializers: { a_zero: scalar("u8", 131), b_zero: scalar("u8", 7) },
      nodes: (model) => void model.node("MatMulInteger", ["a", "b", "a_zero", "b_zero"], ["y"]),
      outputs: { y: ["i32", [2, rows, columns]] },
      expected: () => {
        const sums = new Int32Array(2 * rows * columns);
        for (let at = 0; at < sums.length; at++) {
          const column = at % columns;
          const row = Math.floor(at / columns);
          const batch = Math.floor(row / rows);
          for (let k = 0; k < inner; k++)
            sums[at] =
              (sums[at] as number) +
              ((a.data[row * inner + k] as number) - 131) *
                ((b.data[(batch * inner + k) * columns + column] as number) - 7);
        }
        return [sums];
      },
    };
  });
}

/** Products of 8-bit integers in every form. */
export const INTEGER_PRODUCTS: readonly KernelVector[] = [
  ...FORM_NAMES.flatMap((form) => [
    ...PRODUCTS.flatMap((shape) => [
      product("MatMulInteger", shape, form),
      product("QLinearMatMul", shape, form),
      product(SCALED, shape, form),
    ]),
    product(SCALED, LONG_PRODUCT, form),
    ...CONVOLUTIONS.flatMap((shape) => [
      convolution("QLinearConv", shape, form),
      convolution(CHANNELS_LAST, shape, form),
      convolution("ConvInteger", shape, form),
    ]),
  ]),
  activationProduct(5, 70, 33),
  activationProduct(1, 16, 8),
];
