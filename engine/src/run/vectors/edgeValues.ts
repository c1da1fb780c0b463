import type { ElementType } from "../../onnx/tensor.ts";
import type { Draw } from "./vector.ts";

const LARGEST = 3.4028234663852886e38;
/** Zeros, ties, limits of exactness, denormals, the largest numbers, infinities. */
const EDGE_FLOATS: readonly number[] = [
  ...[0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3.5, 0.1, -0.3, 255.5, 8_388_607.5, 16_777_216, -16_777_216],
  ...[2 ** -149, -(2 ** -149), 2 ** -126, 3 * 2 ** -149, 1e-20, 1e20, LARGEST, -LARGEST],
  ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
];
const EDGE_I32: readonly number[] = [
  ...[0, 1, -1, 2, -2, 255, 256, -128, 65_536, 16_777_217, -16_777_217, 2 ** 30, 2 ** 31 - 1, -(2 ** 31)],
];
const EDGE_I64: readonly bigint[] = [
  ...EDGE_I32.map(BigInt),
  ...[2n ** 31n, -(2n ** 31n) - 1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n)],
];
const RANGES: Partial<Record<ElementType, readonly [number, number]>> = {
  bool: [0, 1],
  u8: [0, 255],
  i8: [-128, 127],
  u16: [0, 65_535],
  i16: [-32_768, 32_767],
  u32: [0, 2 ** 32 - 1],
};

const view = new DataView(new ArrayBuffer(8));

/** Any finite binary32 number: its bits are drawn. */
function anyFloat(draw: Draw): number {
  view.setUint32(0, draw.bits());
  const value = view.getFloat32(0);
  return Number.isFinite(value) ? value : 1;
}

function anyI64(draw: Draw): bigint {
  view.setUint32(0, draw.bits());
  view.setUint32(4, draw.bits());
  return view.getBigInt64(0) >> BigInt(draw.int(0, 60));
}

/** A value of a type: an edge, an ordinary number, or any bits at all. Never NaN. */
export function edgeValue(draw: Draw, type: ElementType): number | bigint {
  const isEdge = draw.int(0, 2) === 0;
  switch (type) {
    case "f32":
      if (isEdge) return Math.fround(draw.pick(EDGE_FLOATS));
      return draw.int(0, 1) === 0 ? anyFloat(draw) : Math.fround(draw.int(-300_000, 300_000) / 1024);
    case "i32":
      return isEdge ? draw.pick(EDGE_I32) : (draw.bits() | 0) >> draw.int(0, 30);
    case "i64":
      return isEdge ? draw.pick(EDGE_I64) : anyI64(draw);
    default: {
      const [low, high] = RANGES[type] ?? [0, 1];
      return isEdge ? draw.pick([low, high]) : low + (draw.bits() % (high - low + 1));
    }
  }
}
