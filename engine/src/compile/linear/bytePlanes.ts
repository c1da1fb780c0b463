import { Elementwise } from "../elementwise.ts";
import type { Lowering } from "../lowering.ts";
import type { ExactValue, QuantisedValue } from "../values.ts";

/** The value that stands for 0 in every plane: what is left below a plane has either sign. */
export const PLANE_ZERO = 128;

/**
 * A float value as u8 tensors whose dequantised sum it is: the first plane is the value quantised in steps of 256^(count - 1) units, the next what that leaves in
 * steps a 256th as large, and so on. With a unit that is a power of two nothing is lost but what is below half a unit, and values beyond the first
 * plane's reach saturate.
 *
 * @param unit the last plane's scale, a power of two
 */
export function bytePlanes(
  lowering: Lowering,
  name: string,
  value: ExactValue,
  unit: number,
  count: number,
): QuantisedValue[] {
  const planes: QuantisedValue[] = [];
  for (let level = count - 1; level >= 0; level--) {
    const role = `${name}: bytes of ${256 ** level}`;
    const kernel = new Elementwise(lowering, role, value.dims);
    const rest = planes.reduce(
      (left, plane) => kernel.sub(left, kernel.dequantised(plane)),
      kernel.load(value),
    );
    const quantisation = { scale: unit * 256 ** level, zero: PLANE_ZERO };
    const plane = kernel.store(kernel.quantise(rest, quantisation), role, "row-major");
    planes.push({ ...plane, quantisation });
  }
  return planes;
}

/** The least unit of so many planes with which they reach a magnitude. */
export function unitOfPlanes(reach: number, count: number): number {
  const steps = (127 * 256 ** count) / 256;
  return 2 ** Math.max(-100, Math.min(60, Math.ceil(Math.log2(reach / steps))));
}
