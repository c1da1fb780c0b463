import type { Random } from "../../../../contracts/test/support/random.ts";

export interface Window {
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
export function randomWindow(random: Random, largest: number): Window {
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
export function seesPicture({
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

export const windowAttributes = ({ kernel, strides, dilations, pads }: Window) => ({
  kernel_shape: kernel,
  strides,
  dilations,
  pads,
});
