/** Letters of five by seven points, a row of five bits each from the top, the leftmost bit highest. */
const LETTERS: Readonly<Record<string, readonly number[]>> = {
  A: [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
  C: [0b01110, 0b10001, 0b10000, 0b10000, 0b10000, 0b10001, 0b01110],
  E: [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111],
  H: [0b10001, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
  I: [0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
  L: [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111],
  N: [0b10001, 0b11001, 0b10101, 0b10101, 0b10011, 0b10001, 0b10001],
  O: [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
  P: [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000],
  R: [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001],
  S: [0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110],
  T: [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100],
  U: [0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
  "0": [0b01110, 0b10011, 0b10101, 0b10101, 0b10101, 0b11001, 0b01110],
  "1": [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
  "2": [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
  "7": [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
};
const ALPHABET = Object.keys(LETTERS);

export interface Lettering {
  readonly row: number;
  readonly column: number;
  /** Pixels of a letter's point. */
  readonly scale: number;
  /** Red, green and blue, 0 to 255, of the letters and of the sign they stand on. */
  readonly ink: readonly number[];
  readonly ground: readonly number[];
  readonly upsideDown: boolean;
}

export function randomWord(length: number, random: () => number): string {
  return Array.from({ length }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join("");
}

/** Paints a word on a sign into planes [3, height, width] of 0..255; what lies outside is cut off. */
export function paintWord(
  planes: Float32Array,
  height: number,
  width: number,
  word: string,
  { row, column, scale, ink, ground, upsideDown }: Lettering,
): void {
  const [signHeight, signWidth] = [9 * scale, (6 * word.length + 1) * scale];
  for (let y = 0; y < signHeight; y++) {
    for (let x = 0; x < signWidth; x++) {
      const [top, left] = upsideDown ? [signHeight - 1 - y, signWidth - 1 - x] : [y, x];
      const [pointRow, pointColumn] = [Math.floor(top / scale) - 1, Math.floor(left / scale) - 1];
      const letter = LETTERS[word[Math.floor(pointColumn / 6)] ?? ""] ?? [];
      const isInk = pointColumn >= 0 && ((letter[pointRow] ?? 0) >> (4 - (pointColumn % 6))) & 1;
      const [py, px] = [row + y, column + x];
      if (py < 0 || py >= height || px < 0 || px >= width) continue;
      for (let channel = 0; channel < 3; channel++)
        planes[(channel * height + py) * width + px] = ((isInk ? ink : ground)[channel] as number) ?? 0;
    }
  }
}
