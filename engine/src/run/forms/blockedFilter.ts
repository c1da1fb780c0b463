import type { HostTensor } from "../../onnx/tensor.ts";

/** How the channels of a convolution's input lie in memory, which decides how its filter does. */
export type FilterLayout =
  /** Input in blocks: [M / B, C / B, window, B of C, B of M]. */
  | "blocked"
  /** Input row-major, fewer channels than a block: [M / B, C, window, B of M]. */
  | "row-major"
  /** One filter per channel: [M / B, window, B of M]. */
  | "depthwise";

/** Channels rounded up to whole blocks. */
export function paddedChannels(channels: number, block: number): number {
  return Math.ceil(channels / block) * block;
}

/**
 * A filter [M, C / group, window...] as onnxruntime's blocked convolutions read it; channels added to fill blocks are 0.
 *
 * @see MlasReorderFilterOIHWBiBo, MlasReorderFilterOIHWBo in onnxruntime's core/mlas/lib/reorder.cpp
 */
export function blockedFilter(filter: HostTensor, block: number, layout: FilterLayout): HostTensor {
  const [outputs = 1, inputs = 1, ...window] = filter.dims;
  const places = window.reduce((product, size) => product * size, 1);
  const paddedOutputs = paddedChannels(outputs, block);
  const inputBlock = layout === "blocked" ? block : 1;
  const paddedInputs = paddedChannels(inputs, inputBlock);
  const data = new Float32Array(paddedOutputs * paddedInputs * places);
  let at = 0;
  for (let m = 0; m < paddedOutputs; m += block) {
    for (let c = 0; c < paddedInputs; c += inputBlock) {
      for (let place = 0; place < places; place++) {
        for (let i = c; i < c + inputBlock; i++) {
          for (let o = m; o < m + block; o++, at++) {
            if (o < outputs && i < inputs)
              data[at] = (filter.data as Float32Array)[(o * inputs + i) * places + place] as number;
          }
        }
      }
    }
  }
  return { type: "f32", dims: [paddedOutputs, paddedInputs, ...window], data };
}

/** One number per channel, with zeros up to whole blocks. */
export function blockedList({ data }: HostTensor, block: number): HostTensor {
  const padded = new Float32Array(paddedChannels(data.length, block));
  padded.set(data as Float32Array);
  return { type: "f32", dims: [padded.length], data: padded };
}
