import { i64Tensor } from "../../onnx/tensor.ts";
import type { Lowering } from "../lowering.ts";
import { product } from "../view.ts";
import type { Window } from "../window.ts";

/** Fewer bytes in a row are not worth copying row by row. */
const LEAST_ROW = 8;
/** What a filter may grow by where positions are taken together. */
const MOST_WASTE = 1.05;

/** A convolution without padding as a product of matrices: its windows are rows, taps first and channels innermost. */
export interface Windows {
  /** Elements of a row: at least taps times channels, the rest being multiplied by 0. */
  readonly length: number;
  /** Which row (of `rowSize` elements of the channels-last image) each piece of a window is. */
  readonly pieces: readonly number[];
  readonly rowSize: number;
  /** Windows of an image. */
  readonly count: number;
}

/**
 * How the windows of an image are put together of rows of it; undefined where rows would be too short, or there is padding.
 *
 * One window's taps along a line with a stride s are cut into pieces of s positions where that wastes little: a filter of 127 samples with a stride of
 * 64 is two rows of 64.
 */
export function findWindows(window: Window, channels: number): Windows | undefined {
  const { kernel, strides, dilations, padsBegin, padsEnd, input, output } = window;
  if ([...padsBegin, ...padsEnd].some((pad) => pad > 0)) return undefined;
  const [size = 1, stride = 1, length = 1, positions = 1] = [kernel[0], strides[0], input[0], output[0]];
  const parts = Math.ceil(size / stride);
  const isLine = kernel.length === 1 && dilations[0] === 1;
  if (isLine && stride > 1 && length % stride === 0 && (positions - 1 + parts) * stride <= length) {
    if ((parts * stride) / size <= MOST_WASTE) {
      const pieces = Array.from({ length: positions * parts }, (_, k) => Math.floor(k / parts) + (k % parts));
      return { length: parts * stride * channels, pieces, rowSize: stride * channels, count: positions };
    }
  }
  if (channels < LEAST_ROW) return undefined;
  let pieces = [0];
  for (const places of [
    output.map((count, k) => [count, strides[k]]),
    kernel.map((count, k) => [count, dilations[k]]),
  ]) {
    places.forEach(([count = 1, step = 1], k) => {
      const below = product(input.slice(k + 1));
      pieces = pieces.flatMap((at) => Array.from({ length: count }, (_, place) => at + place * step * below));
    });
  }
  return { length: product(kernel) * channels, pieces, rowSize: channels, count: product(output) };
}

/** The exact graph's side: the windows of a channels-last image [batch, spatial..., channels] as [batch, count, length]. */
export function emitWindows(lowering: Lowering, tensor: string, batch: number, windows: Windows): string {
  const { pieces, rowSize, length, count } = windows;
  const reshape = (name: string, dims: readonly number[]) =>
    lowering.emit("Reshape", [name, lowering.initializer("shape", i64Tensor([...dims]))]);
  const rows = reshape(tensor, [batch, -1, rowSize]);
  const gathered = lowering.emit("Gather", [rows, lowering.initializer("rows", i64Tensor([...pieces]))], {
    axis: 1,
  });
  return reshape(gathered, [batch, count, length]);
}

/** Filters [channels, channels of the input, kernel...] as the matrix [length, channels] that windows are multiplied by. */
export function windowMatrix<Values extends Int8Array | Uint8Array>(
  filters: Values,
  channels: number,
  inputs: number,
  { length }: Windows,
  zero: number,
): Values {
  const own = filters.length / channels;
  const taps = own / inputs;
  const matrix = new (filters.constructor as new (size: number) => Values)(length * channels).fill(
    zero,
  ) as Values;
  for (let m = 0; m < channels; m++) {
    for (let c = 0; c < inputs; c++) {
      for (let tap = 0; tap < taps; tap++)
        matrix[(tap * inputs + c) * channels + m] = filters[m * own + c * taps + tap] as number;
    }
  }
  return matrix;
}
