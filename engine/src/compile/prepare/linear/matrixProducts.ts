import { floatAttribute, type GraphNode, intAttribute } from "../../../onnx/graph.ts";
import { i64Tensor } from "../../../onnx/tensor.ts";
import type { Rewrite, RewriteContext } from "../rewrite.ts";

/** MatMul of vectors, and of a constant on the left, as products of matrices with the constant on the right. */
export const matMulForms: Rewrite = (node, context) => {
  const [a = "", b = ""] = node.inputs;
  const [y = ""] = node.outputs;
  const [left, right] = [context.typeOf(a), context.typeOf(b)];
  const reshape = (value: string, dims: readonly number[]) =>
    context.node("Reshape", [value, context.addConstant("shape", i64Tensor(dims))]);
  if (left.dims.length === 1 || right.dims.length === 1) {
    const row = left.dims.length === 1 ? reshape(a, [1, ...left.dims]) : a;
    const column = right.dims.length === 1 ? reshape(b, [...right.dims, 1]) : b;
    const product = context.node("MatMul", [row, column]);
    context.nodeTo([y], "Reshape", [
      product,
      context.addConstant("shape", i64Tensor(context.typeOf(y).dims)),
    ]);
    return true;
  }
  const [constantLeft, constantRight] = [context.constant(a), context.constant(b)];
  if (
    constantRight &&
    constantRight.dims.length > 2 &&
    constantRight.dims.slice(0, -2).every((d) => d === 1)
  ) {
    if (constantRight.dims.length > left.dims.length) return false;
    context.nodeTo([y], "MatMul", [a, reshape(b, constantRight.dims.slice(-2))]);
    return true;
  }
  if (constantLeft?.dims.length === 2 && !constantRight) {
    // A B = (B^T A^T)^T
    const product = context.node("MatMul", [
      transposeLast(context, b, right.dims.length),
      transposeLast(context, a, 2),
    ]);
    context.nodeTo([y], "Transpose", [product], { perm: swapLast(right.dims.length) });
    return true;
  }
  return false;
};

/**
 * Gemm, y = alpha * A' * B' + beta * C, as Transpose, MatMul, Mul and Add: unless it is an activation by a constant matrix plus one row, which is
 * lowered as it stands.
 */
export const gemmParts: Rewrite = (node, context) => {
  const [a = "", b = "", c = ""] = node.inputs;
  if (isPlain(node, context)) return false;
  const alpha = floatAttribute(node, "alpha", 1);
  const beta = floatAttribute(node, "beta", 1);
  const left = intAttribute(node, "transA", 0) === 0 ? a : transposeLast(context, a, 2);
  const right = intAttribute(node, "transB", 0) === 0 ? b : transposeLast(context, b, 2);
  const scaled = (value: string, factor: number, name: string) =>
    factor === 1
      ? value
      : context.node("Mul", [
          value,
          context.addConstant(name, {
            type: context.typeOf(a).type,
            dims: [],
            data: Float32Array.of(factor),
          }),
        ]);
  if (context.typeOf(a).type !== "f32") throw context.unsupported(`it multiplies ${context.typeOf(a).type}`);
  if (c === "" && alpha === 1) {
    context.nodeTo(node.outputs, "MatMul", [left, right]);
    return true;
  }
  const product = scaled(context.node("MatMul", [left, right]), alpha, "alpha");
  if (c === "") context.nodeTo(node.outputs, "Identity", [product]);
  else context.nodeTo(node.outputs, "Add", [product, scaled(c, beta, "beta")]);
  return true;
};

function isPlain(node: GraphNode, context: RewriteContext): boolean {
  const [a, b, c] = node.inputs;
  const matrix = context.constant(b);
  if (!matrix || context.constant(a) || intAttribute(node, "transA", 0) !== 0) return false;
  if (!c) return true;
  const columns = matrix.dims[intAttribute(node, "transB", 0) === 0 ? 1 : 0];
  const row = context.constant(c);
  return (
    row !== undefined &&
    (row.data.length === 1 || (row.data.length === columns && row.dims.at(-1) === columns))
  );
}

function transposeLast(context: RewriteContext, value: string, rank: number): string {
  return context.node("Transpose", [value], { perm: swapLast(rank) });
}

function swapLast(rank: number): number[] {
  const axes = Array.from({ length: rank }, (_, k) => k);
  return [...axes.slice(0, -2), rank - 1, rank - 2];
}
