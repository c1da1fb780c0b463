import { gasOf, type TranscriptEntry } from "../transcript.ts";

/** One transaction of a simulated dispute. */
export type SimulatedTransaction = TranscriptEntry<"poster" | "challenger">;

/** What a simulated dispute came to. */
export interface Simulation {
  readonly winner: "challenger" | "poster";
  /** The instruction and element that the game found; null when it found none. */
  readonly layer: number | null;
  readonly element: number | null;
  /** The element's bits as posted and as the chain recomputed them; null when no step was judged. */
  readonly posted: bigint | null;
  readonly expected: bigint | null;
  /** Moves of both sides; `claimTimeout` is none. */
  readonly moves: number;
  readonly movesBySide: { readonly poster: number; readonly challenger: number };
  readonly transactions: number;
  readonly gas: {
    readonly open: number;
    readonly commit: number;
    /** `reveal` and `revealBytes`, in order. */
    readonly reveal: readonly number[];
    /** `select` and `selectTensor`, in order. */
    readonly select: readonly number[];
    /** 0 when the game did not come to a step. */
    readonly step: number;
    /** 0 unless a clock ran out. */
    readonly claimTimeout: number;
    readonly total: number;
  };
  readonly maxCalldataBytes: number;
  /** The contract's error when the liar tried to have a right element judged; null when it did not come to that. */
  readonly refusedStep: string | null;
  /** True when the lie did not show in the output and the liar changed its output as well. */
  readonly masked: boolean;
  readonly transcript: readonly SimulatedTransaction[];
}

/** Adds up a dispute's transactions. */
export function totalsOf(
  transcript: readonly SimulatedTransaction[],
): Pick<Simulation, "moves" | "movesBySide" | "transactions" | "gas" | "maxCalldataBytes" | "transcript"> {
  const made = (...moves: string[]) => transcript.filter(({ move }) => moves.includes(move));
  const gasOfEach = (...moves: string[]) => made(...moves).map(({ gas }) => gas);
  const moved = transcript.filter(({ move }) => move !== "claimTimeout");
  const by = (side: string) => moved.filter((row) => row.by === side).length;
  return {
    moves: moved.length,
    movesBySide: { poster: by("poster"), challenger: by("challenger") },
    transactions: transcript.length,
    gas: {
      open: gasOf(made("open")),
      commit: gasOf(made("commitTrace")),
      reveal: gasOfEach("reveal", "revealBytes"),
      select: gasOfEach("select", "selectTensor"),
      step: gasOf(made("step")),
      claimTimeout: gasOf(made("claimTimeout")),
      total: gasOf(transcript),
    },
    maxCalldataBytes: Math.max(0, ...transcript.map(({ calldataBytes }) => calldataBytes)),
    transcript,
  };
}
