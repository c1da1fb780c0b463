import type { Act, MoveEntry } from "@surety/chain";

/**
 * What the page shows, as JSON: ids, wei and bits as decimal text, times as Unix seconds. The page adds nothing but the ticking of clocks.
 */
export interface NetworkView {
  readonly chainId: number;
  readonly head: { readonly block: number; readonly time: number };
  /** Who is who, by lower-case address; empty where nobody said. */
  readonly names: Readonly<Record<string, string>>;
  readonly models: readonly ModelView[];
  readonly operators: readonly OperatorView[];
  /** Newest first. */
  readonly requests: readonly RequestEntry[];
  /** Newest first. */
  readonly games: readonly GameEntry[];
  /** Whether a digit can be drawn and asked about here. */
  readonly canAsk: boolean;
}

export interface ModelView {
  readonly modelId: string;
  /** One a instruction, in program order; absent when its bundle is not at hand. */
  readonly layers?: readonly LayerView[];
}

export interface LayerView {
  readonly name: string;
  readonly accumulate: string;
  readonly dtype: string;
  readonly dims: readonly number[];
}

export interface OperatorView {
  readonly address: string;
  readonly stakeWei: string;
  readonly lockedWei: string;
  readonly jailed: boolean;
  /** Models it has joined and not left. */
  readonly models: readonly string[];
}

export type RequestState = "open" | "asserted" | "disputed" | "final" | "refunded";

export interface RequestEntry {
  readonly requestId: string;
  readonly modelId: string;
  readonly requester: string;
  readonly state: RequestState;
  readonly asked: Act;
  /** One an attempt, in order. */
  readonly assertions: readonly AssertionEntry[];
}

export interface AssertionEntry {
  readonly assertionId: string;
  readonly poster: string;
  readonly posted: Act;
  readonly windowEndsAt: number;
  /** The output's values in its dtype, the first tensor's first 32; absent when the model is not at hand or the output goes by reference. */
  readonly values?: readonly number[];
  readonly outcome: "standing" | "refuted" | "final";
}

export interface GameEntry {
  readonly gameId: string;
  readonly assertionId: string;
  readonly requestId: string;
  readonly modelId: string;
  readonly challenger: string;
  readonly poster: string;
  readonly moves: readonly MoveEntry[];
  /** Of a live game. */
  readonly clock?: {
    readonly turn: string;
    readonly turnEndsAt: number;
    readonly posterSecondsLeft: number;
    readonly challengerSecondsLeft: number;
  };
  readonly verdict?: VerdictEntry;
  readonly ended?: { readonly outcome: string; readonly paidWei: string; readonly burnedWei: string };
}

/** The number the chain recomputed. */
export interface VerdictEntry {
  readonly instruction: number;
  readonly element: number;
  /** As stored: an integer's value or an f32's, and the bits. */
  readonly posted: string;
  readonly expected: string;
  readonly arithmetic?: ArithmeticView;
}

/** What went into the recomputed element. */
export interface ArithmeticView {
  readonly accumulate: string;
  readonly dtype: string;
  /** Coordinates of the element in its tensor. */
  readonly at: readonly number[];
  readonly operands: readonly {
    readonly from: string;
    readonly dtype: string;
    /** How many elements were read, and the first of them. */
    readonly count: number;
    readonly values: readonly string[];
  }[];
}
