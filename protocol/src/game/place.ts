import { LEAF_BYTES } from "./constants.ts";
import { revealLevels, tensorHeight, traceHeight, type WalkPhase } from "./heights.ts";

/** Where a node of a tree stands: `height` levels above the leaves, `position` counted from the left. */
export interface Place {
  readonly height: number;
  readonly position: number;
}

/** The places that the reveal of a node shows, from left to right. Empty where a reveal shows bytes or a single tensor. */
export function childPlaces(phase: WalkPhase, { height, position }: Place): readonly Place[] {
  const levels = revealLevels(phase, height);
  if (levels === 0) return [];
  const count = 2 ** levels;
  return Array.from({ length: count }, (_, child) => ({
    height: height - levels,
    position: position * count + child,
  }));
}

/** First leaf below a place, and the leaf after its last. */
export function leafSpan({ height, position }: Place): { readonly first: number; readonly end: number } {
  return { first: position * 2 ** height, end: (position + 1) * 2 ** height };
}

/** Whether a node lies wholly beyond the last of `leaves` leaves: it must then be 0. */
export function isPadding(place: Place, leaves: number): boolean {
  return leafSpan(place).first >= leaves;
}

/** The bytes of a tensor below a place, cut at the tensor's end. */
export function byteSpan(
  place: Place,
  tensorBytes: number,
): { readonly first: number; readonly end: number } {
  const { first, end } = leafSpan(place);
  return { first: Math.min(first * LEAF_BYTES, tensorBytes), end: Math.min(end * LEAF_BYTES, tensorBytes) };
}

/** Where a trace's tree begins. */
export function traceTop(instructionCount: number): Place {
  return { height: traceHeight(instructionCount), position: 0 };
}

/** Where a tensor's tree begins. */
export function tensorTop(tensorBytes: number): Place {
  return { height: tensorHeight(tensorBytes), position: 0 };
}
