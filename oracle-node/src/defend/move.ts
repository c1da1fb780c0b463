import type { Hex } from "viem";

/** What a poster does next in a game against its assertion. */
export type DefenceMove =
  | { readonly kind: "wait"; readonly why: DefenceWait }
  | {
      readonly kind: "commitTrace";
      readonly traceRoot: Hex;
      /** In the model's order of outputs. */
      readonly outputRoots: readonly Hex[];
      readonly outputProof: readonly Hex[];
      readonly children: readonly Hex[];
    }
  | { readonly kind: "reveal"; readonly node: Hex; readonly children: readonly Hex[] }
  | { readonly kind: "revealBytes"; readonly node: Hex; readonly data: Uint8Array }
  /** The challenger ran out of time. */
  | { readonly kind: "claimTimeout" };

export type DefenceWait =
  /** The game is over, or was never there. */
  | "over"
  | "challenger-to-move"
  /** The poster's own clock has run out: anyone may claim. */
  | "lost-on-time";
