import type { Place } from "@surety/protocol";
import type { Hex } from "viem";

/** One fact about the poster's tree that stands on the chain. `instruction` is the tensor walked, `undefined` in the trace's tree. */
export type Revealed =
  | {
      readonly kind: "nodes";
      readonly instruction: number | undefined;
      /** The node whose descendants these are. */
      readonly place: Place;
      readonly children: readonly Hex[];
    }
  | {
      readonly kind: "bytes";
      readonly instruction: number;
      readonly place: Place;
      readonly data: Uint8Array;
    };

export type RevealedNodes = Extract<Revealed, { kind: "nodes" }>;
export type RevealedBytes = Extract<Revealed, { kind: "bytes" }>;

/** The nodes revealed below a place, if they are. */
export function nodesBelow(
  revealed: readonly Revealed[],
  instruction: number | undefined,
  { height, position }: Place,
): readonly Hex[] | undefined {
  return revealed.find(
    (fact): fact is RevealedNodes =>
      fact.kind === "nodes" &&
      fact.instruction === instruction &&
      fact.place.height === height &&
      fact.place.position === position,
  )?.children;
}

/** The bytes revealed below a place, if they are. */
export function bytesBelow(
  revealed: readonly Revealed[],
  instruction: number,
  { height, position }: Place,
): Uint8Array | undefined {
  return revealed.find(
    (fact): fact is RevealedBytes =>
      fact.kind === "bytes" &&
      fact.instruction === instruction &&
      fact.place.height === height &&
      fact.place.position === position,
  )?.data;
}
