import type { Hex } from "viem";
import { table } from "./table.ts";

/** One transaction of a dispute, simulated or real. */
export interface TranscriptEntry<Side extends string = string> {
  readonly by: Side;
  /** The contract's function. */
  readonly move: string;
  readonly gas: number;
  readonly calldataBytes: number;
  readonly transaction: Hex;
}

/** The transactions of a dispute as a table. */
export function transcriptTable(transcript: readonly TranscriptEntry[]): string[] {
  const rows = transcript.map(({ by, move, gas, calldataBytes }) => [
    `${by} ${move}`,
    gas.toLocaleString("en"),
    calldataBytes.toLocaleString("en"),
  ]);
  return table(["who and move", "gas", "calldata bytes"], rows);
}

/** Gas of all transactions. */
export function gasOf(transcript: readonly TranscriptEntry[]): number {
  return transcript.reduce((sum, { gas }) => sum + gas, 0);
}

/** The element that a game found: its bits as posted and as the chain recomputed them. */
export function foundText(found: {
  readonly layer: number;
  readonly element: number | null;
  readonly posted: bigint | null;
  readonly expected: bigint | null;
}): string {
  const { layer, element, posted, expected } = found;
  return `layer ${layer}, element ${element}: posted ${posted}, the chain computes ${expected}`;
}
