import type { ElementType, HostTensor } from "../../onnx/tensor.ts";
import { countOf, type Draw, defineVector, filled, type KernelVector } from "./vector.ts";

/**
 * Float and wide-integer kernels over small whole numbers: while every sum is below 2^24 (2^53 in f64), every order of adding, and every
 * fused multiplication, gives the same number.
 */
const small = (draw: Draw, type: ElementType, dims: readonly number[], most: number): HostTensor =>
  filled(type, dims, () => draw.int(-most, most));

type ProductType = "f32" | "f64" | "i32" | "i64";
/** 300 products below 2^24 in f32, 2^53 in f64 and i64; i32 wraps. */
const MOST: Readonly<Record<ProductType, number>> = {
  f32: 230,
  f64: 5_000_000,
  i32: 2 ** 30,
  i64: 5_000_000,
};

function matMul(type: ProductType, rows: number, inner: number, columns: number): KernelVector {
  return defineVector(`MatMul ${type} ${rows}x${inner}x${columns}`, (draw) => {
    const a = small(draw, type, [2, rows, inner], MOST[type]);
    const b = small(draw, type, [2, inner, columns], MOST[type]);
    const y = [2, rows, columns];
    return {
      feeds: { a, b },
      nodes: (model) => void model.node("MatMul", ["a", "b"], ["y"]),
      outputs: { y: [type, y] },
      expected: () => {
        const sums = Array.from({ length: countOf(y) }, (_, at) => {
          const column = at % columns;
          const row = Math.floor(at / columns);
          const batch = Math.floor(row / rows);
          let sum = 0n;
          for (let k = 0; k < inner; k++)
            sum +=
              BigInt(a.data[row * inner + k] as number) *
              BigInt(b.data[(batch * inner + k) * columns + column] as number);
          return sum;
        });
        if (type === "i64") return [BigInt64Array.from(sums)];
        if (type === "i32") return [Int32Array.from(sums, (sum) => Number(BigInt.asIntN(32, sum)))];
        return [type === "f32" ? Float32Array.from(sums, Number) : Float64Array.from(sums, Number)];
      },
    };
  });
}

const gemm = defineVector("Gemm f32", (draw) => ({
  feeds: {
    a: small(draw, "f32", [9, 130], 200),
    b: small(draw, "f32", [33, 130], 200),
    c: small(draw, "f32", [33], 9_999),
  },
  nodes: (model) => void model.node("Gemm", ["a", "b", "c"], ["y"], { transB: 1 }),
  outputs: { y: ["f32", [9, 33]] },
}));

function convolution(
  op: "Conv" | "ConvTranspose",
  what: string,
  x: readonly number[],
  w: readonly number[],
  y: readonly number[],
  attributes: Readonly<Record<string, number | readonly number[]>>,
): KernelVector {
  return defineVector(`${op} f32 ${what}`, (draw) => ({
    feeds: { x: small(draw, "f32", x, 120) },
    initializers: { w: small(draw, "f32", w, 90) },
    nodes: (model) => void model.node(op, ["x", "w"], ["y"], attributes),
    outputs: { y: ["f32", y] },
  }));
}

/** Products of whole numbers in floats and wide integers. */
export const FLOAT_PRODUCTS: readonly KernelVector[] = [
  ...(["f32", "f64", "i32", "i64"] as const).flatMap((type) => [
    matMul(type, 1, 300, 37),
    matMul(type, 7, 131, 18),
    matMul(type, 33, 64, 64),
    matMul(type, 5, 40, 1),
  ]),
  gemm,
  convolution("Conv", "3x3", [1, 16, 8, 9], [20, 16, 3, 3], [1, 20, 8, 9], { pads: [1, 1, 1, 1] }),
  convolution("Conv", "1x1", [1, 33, 5, 4], [18, 33, 1, 1], [1, 18, 5, 4], {}),
  convolution("Conv", "depthwise", [1, 24, 9, 9], [24, 1, 3, 3], [1, 24, 5, 5], {
    group: 24,
    pads: [1, 1, 1, 1],
    strides: [2, 2],
  }),
  convolution("Conv", "1d", [1, 6, 40], [10, 6, 7], [1, 10, 34], {}),
  convolution("ConvTranspose", "2x2 stride", [1, 10, 5, 6], [10, 7, 2, 2], [1, 7, 10, 12], {
    strides: [2, 2],
  }),
  convolution("ConvTranspose", "3x3", [1, 8, 5, 5], [8, 4, 3, 3], [1, 4, 7, 7], {}),
];
