import type { GameStep } from "@surety/chain";
import type { Hex } from "viem";

/** What a challenger does next in one of its games. */
export type ChallengerMove =
  | { readonly kind: "wait"; readonly why: WaitReason }
  | {
      readonly kind: "select";
      /** The node in dispute. */
      readonly node: Hex;
      readonly child: number;
      readonly childHash: Hex;
      readonly proof: readonly Hex[];
    }
  | {
      readonly kind: "selectTensor";
      readonly node: Hex;
      readonly child: number;
      readonly childHash: Hex;
      readonly proof: readonly Hex[];
      /** The tensor's number, and the instruction that computes it. */
      readonly index: number;
      readonly instruction: Hex;
      readonly instructionProof: readonly Hex[];
    }
  | { readonly kind: "step"; readonly node: Hex; readonly step: GameStep }
  | { readonly kind: "claimTimeout" }
  | { readonly kind: "closeVoid" };

export type WaitReason =
  /** The game is over. */
  | "over"
  /** The poster is to move. */
  | "poster-to-move"
  /** The challenger's own clock has run out: the poster may claim. */
  | "lost-on-time"
  /** The reveal is mined but not seen here yet. */
  | "reveal-not-seen"
  /** The poster's tree is equal to the own: there is nothing to select. */
  | "nothing-differs";
