import { readdirSync, readFileSync } from "node:fs";
import { decodePng, type Image } from "./png.ts";
import { modelPath } from "./sharedModels.ts";

/** The photographs of the shared models, in the order of their names. */
export function photos(): Image[] {
  return readdirSync(modelPath("photos"))
    .filter((name) => name.endsWith(".png"))
    .sort()
    .map((name) => decodePng(readFileSync(modelPath("photos", name))));
}

/** A rectangle of an image, sizes and place as shares of it, maybe mirrored. */
export interface Cut {
  readonly top: number;
  readonly left: number;
  readonly size: number;
  readonly mirrored: boolean;
}

/**
 * `count` different pictures from the photographs: each in turn, with another cut every round.
 * @param random numbers in [0, 1) that choose the cuts
 */
export function pictures(count: number, random: () => number): { photo: Image; cut: Cut }[] {
  const all = photos();
  return Array.from({ length: count }, (_, index) => {
    const size = index < all.length ? 1 : 0.4 + 0.6 * random();
    const [top, left] = [(1 - size) * random(), (1 - size) * random()];
    const mirrored = index >= all.length && random() < 0.5;
    return { photo: all[index % all.length] as Image, cut: { top, left, size, mirrored } };
  });
}

/**
 * The cut scaled to [3, height, width], bilinear, RGB in 0..255: planes as image models take them.
 */
export function scaledPlanes(
  { photo, cut }: { photo: Image; cut: Cut },
  height: number,
  width: number,
): Float32Array {
  const planes = new Float32Array(3 * height * width);
  const at = (channel: number, row: number, column: number) => {
    const [y, x] = [
      Math.min(photo.height - 1, Math.max(0, row)),
      Math.min(photo.width - 1, Math.max(0, column)),
    ];
    return photo.rgb[(y * photo.width + x) * 3 + channel] as number;
  };
  for (let row = 0; row < height; row++) {
    const y = (cut.top + (cut.size * (row + 0.5)) / height) * photo.height - 0.5;
    const [above, down] = [Math.floor(y), y - Math.floor(y)];
    for (let column = 0; column < width; column++) {
      const place = cut.mirrored ? width - 1 - column : column;
      const x = (cut.left + (cut.size * (place + 0.5)) / width) * photo.width - 0.5;
      const [before, right] = [Math.floor(x), x - Math.floor(x)];
      for (let channel = 0; channel < 3; channel++) {
        const upper = at(channel, above, before) * (1 - right) + at(channel, above, before + 1) * right;
        const lower =
          at(channel, above + 1, before) * (1 - right) + at(channel, above + 1, before + 1) * right;
        planes[(channel * height + row) * width + column] = upper * (1 - down) + lower * down;
      }
    }
  }
  return planes;
}
