import { intAttribute } from "../../../onnx/graph.ts";
import { i64Tensor } from "../../../onnx/tensor.ts";
import { product } from "../../view.ts";
import { checkWindow, readWindow } from "../../window.ts";
import type { Rewrite } from "../rewrite.ts";
import { tapsOf } from "../taps.ts";

/**
 * A convolution whose filter is computed, or of more than two spatial dimensions, as a product of matrices: the filter [groups, M/g, C/g * taps] times
 * the windows [groups, C/g * taps, places], one strided Slice of the padded image a tap.
 */
export const convWindows: Rewrite = (node, context) => {
  const [x = "", w = "", b = ""] = node.inputs;
  const [y = ""] = node.outputs;
  const filterDims = context.typeOf(w).dims;
  if (context.constant(w) && filterDims.length <= 4) return false;
  const problem = checkWindow(node);
  if (problem) throw context.unsupported(problem);
  const [batch = 1, , ...input] = context.typeOf(x).dims;
  const output = context.typeOf(y).dims.slice(2);
  const [channels = 1, perGroup = 1, ...kernel] = filterDims;
  const groups = intAttribute(node, "group", 1);
  if (kernel.length !== input.length || channels % groups !== 0)
    throw context.unsupported(`its filter [${filterDims}] does not fit its input`);
  const { strides, dilations, padsBegin, padsEnd } = readWindow(node, kernel, input, output);
  const ints = (values: readonly number[]) => context.addConstant("ints", i64Tensor(values));
  const reshape = (value: string, dims: readonly number[]) => context.node("Reshape", [value, ints(dims)]);

  const isPadded = [...padsBegin, ...padsEnd].some((pad) => pad > 0);
  const padded = isPadded ? context.node("Pad", [x, ints([0, 0, ...padsBegin, 0, 0, ...padsEnd])]) : x;
  const axes = kernel.map((_, k) => k + 2);
  const places = product(output);
  const windows = tapsOf(kernel).map((tap) => {
    const starts = tap.map((at, k) => at * (dilations[k] as number));
    const ends = starts.map((start, k) => start + ((output[k] as number) - 1) * (strides[k] as number) + 1);
    const isWhole = starts.every((start, k) => start === 0 && input[k] === output[k]);
    if (isWhole && !isPadded) return reshape(x, [batch, groups, perGroup, 1, places]);
    const slice = context.node("Slice", [padded, ints(starts), ints(ends), ints(axes), ints(strides)]);
    return reshape(slice, [batch, groups, perGroup, 1, places]);
  });
  const taps = windows.length;
  const stacked = taps === 1 ? (windows[0] as string) : context.node("Concat", windows, { axis: 3 });
  const columns = reshape(stacked, [batch, groups, perGroup * taps, places]);
  const rows = reshape(w, [groups, channels / groups, perGroup * taps]);
  const sums = context.node("MatMul", [rows, columns]);
  if (b === "") {
    context.nodeTo([y], "Reshape", [sums, ints([batch, channels, ...output])]);
    return true;
  }
  const image = reshape(sums, [batch, channels, ...output]);
  context.nodeTo([y], "Add", [image, reshape(b, [channels, ...output.map(() => 1)])]);
  return true;
};
