import { inflateSync } from "node:zlib";

/** An image as bytes [height, width, 3], RGB. */
export interface Image {
  readonly height: number;
  readonly width: number;
  readonly rgb: Uint8Array;
}

const SIGNATURE = "89504e470d0a1a0a";

/** Reads a PNG of 8-bit RGB without interlacing, which is all the test photographs are (PNG specification, sections 5, 9). */
export function decodePng(file: Uint8Array): Image {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.subarray(0, 8).toString("hex") !== SIGNATURE) throw new Error("This is not a PNG.");
  const packed: Buffer[] = [];
  let [width, height] = [0, 0];
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const kind = bytes.toString("latin1", at + 4, at + 8);
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (kind === "IHDR") {
      [width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)];
      const format = [...body.subarray(8)].join();
      if (format !== "8,2,0,0,0")
        throw new Error(`Only 8-bit RGB without interlacing is read, not ${format}.`);
    }
    if (kind === "IDAT") packed.push(body);
    at += 12 + length;
  }
  return { height, width, rgb: unfilter(inflateSync(Buffer.concat(packed)), height, width * 3) };
}

/** Undoes the per-row prediction of PNG's filter method 0. */
function unfilter(lines: Uint8Array, height: number, stride: number): Uint8Array {
  const pixels = new Uint8Array(height * stride);
  for (let row = 0; row < height; row++) {
    const filter = lines[row * (stride + 1)] as number;
    for (let k = 0; k < stride; k++) {
      const at = row * stride + k;
      const left = k >= 3 ? (pixels[at - 3] as number) : 0;
      const up = row > 0 ? (pixels[at - stride] as number) : 0;
      const corner = row > 0 && k >= 3 ? (pixels[at - stride - 3] as number) : 0;
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] as number;
      pixels[at] = (lines[row * (stride + 1) + 1 + k] as number) + predicted;
    }
  }
  return pixels;
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
