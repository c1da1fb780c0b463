import { FatalError } from "@surety/protocol";
import type { Dtype } from "../../program/instruction.ts";
import type { OperandDraft } from "../programBuilder.ts";
import { freshDims, product, type View } from "../view.ts";
import { imageAxes, mapWindow, type Window, windowBounds } from "../window.ts";

/** How a convolution's instructions run over their operands: output [batch, spatial..., channels], reduction [kernel..., channels of a group]. */
export interface ConvolutionLoops {
  readonly outDims: readonly number[];
  readonly reduceDims: readonly number[];
  /** Sizes as ONNX has them, and the order in which the program keeps them. */
  readonly logical: readonly number[];
  readonly order: readonly number[];
  /** Reads an image through the window. */
  image(view: View): OperandDraft;
  /** Reads filters [channels, channels of a group, kernel...] that `reversed` has put in order. */
  filter(index: number, dtype: "u8" | "i8"): OperandDraft;
  reversed<Values extends Int8Array | Uint8Array>(filter: Values): Values;
  /** Reads a vector of one element per channel. */
  perChannel(index: number, dtype: "i32" | "f32"): OperandDraft;
}

/**
 * @param batch size of the batch
 * @param channels of the output, in `groups` groups
 * @param perGroup input channels of a group
 */
export function convolutionLoops(
  window: Window,
  batch: number,
  channels: number,
  perGroup: number,
  groups: number,
): ConvolutionLoops {
  const reduceDims = [...window.kernel, perGroup];
  const length = product(reduceDims);
  const perGroupOut = channels / groups;
  const outDims = [batch, ...window.output, groups, perGroupOut];
  const noSpace = window.output.map(() => 0);
  return {
    outDims,
    reduceDims,
    logical: [batch, channels, ...window.output],
    order: [0, ...window.output.map((_, k) => k + 2), 1],
    image(view) {
      const axes = imageAxes(view);
      if (!axes)
        throw new FatalError("COMPILE_INTERNAL", "A convolution's input is not laid out as an image.");
      const map = mapWindow(window, axes.spatial);
      return {
        space: view.space,
        index: view.index,
        dtype: view.dtype,
        elements: view.elements,
        offset: view.offset + map.offset,
        out: [axes.batch.stride, ...map.out, perGroup * axes.channel.stride, 0],
        reduce: [...map.kernel, axes.channel.stride],
        bounds: windowBounds(window, map, outDims.length, 1, reduceDims.length),
      };
    },
    filter: (index, dtype) => ({
      space: "weight",
      index,
      dtype,
      elements: channels * length,
      offset: length - 1,
      out: [0, ...noSpace, perGroupOut * length, length],
      reduce: reduceDims.map((_, axis) => -product(reduceDims.slice(axis + 1))),
    }),
    reversed: (filter) => reversedFilter(filter, channels, perGroup, length),
    perChannel: (index, dtype) => ({
      space: "weight",
      index,
      dtype,
      elements: channels,
      offset: 0,
      out: [0, ...noSpace, perGroupOut, 1],
      reduce: reduceDims.map(() => 0),
    }),
  };
}

/** The view of a tensor that a convolution's loops have written. */
export function convolutionView(loops: ConvolutionLoops, index: number, dtype: Dtype): View {
  const dims = freshDims(
    loops.logical.map((size) => [size]),
    loops.order,
  );
  return { space: "trace", index, dtype, elements: product(loops.logical), offset: 0, dims };
}

/** From [m, c, kernel...] to [m, reversed (kernel..., c)]: the referee multiplies one operand in reversed order. */
function reversedFilter<Values extends Int8Array | Uint8Array>(
  filter: Values,
  channels: number,
  perGroup: number,
  length: number,
): Values {
  const window = length / perGroup;
  const reversed = filter.slice() as Values;
  for (let m = 0; m < channels; m++) {
    for (let c = 0; c < perGroup; c++) {
      for (let k = 0; k < window; k++) {
        reversed[m * length + length - 1 - (k * perGroup + c)] = filter[
          m * length + c * window + k
        ] as number;
      }
    }
  }
  return reversed;
}
