import type { Rule } from "../rule.ts";
import { gather, gatherElements } from "./gather.ts";
import { concat, pad } from "./place.ts";
import { expand, resize, slice, tile } from "./slice.ts";

/** Ops that put elements elsewhere and compute nothing. */
export const MOVEMENT: readonly (readonly [string, Rule])[] = [
  ["Concat", concat],
  ["Expand", expand],
  ["Gather", gather],
  ["GatherElements", gatherElements],
  ["Pad", pad],
  ["Resize", resize],
  ["Slice", slice],
  ["Tile", tile],
];
