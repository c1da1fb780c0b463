import { FatalError } from "@surety/protocol";

export interface BlockRef {
  readonly number: bigint;
  readonly hash: `0x${string}`;
}

/**
 * How far a stream has come: the last block known to be final, then every block after it that was processed, oldest first. Keep it together with
 * what was made of the events, and give it back to resume.
 */
export type ChainCursor = readonly [BlockRef, ...BlockRef[]];

/** The cursor as text for a store. */
export function encodeCursor(cursor: ChainCursor): string {
  return JSON.stringify(cursor.map(({ number, hash }) => [String(number), hash]));
}

/** @throws FatalError CURSOR_MALFORMED */
export function decodeCursor(text: string): ChainCursor {
  try {
    const [first, ...rest] = (JSON.parse(text) as [string, `0x${string}`][]).map(
      ([number, hash]): BlockRef => {
        if (!/^0x[0-9a-f]{64}$/.test(hash)) throw new Error(`block hash ${hash}`);
        return { number: BigInt(number), hash };
      },
    );
    if (first === undefined) throw new Error("no block");
    return [first, ...rest];
  } catch (cause) {
    throw new FatalError(
      "CURSOR_MALFORMED",
      "The stored place in the chain cannot be read. Delete it to start over.",
      {
        cause,
      },
    );
  }
}

/** The last block processed. */
export function headOf(cursor: ChainCursor): BlockRef {
  return cursor.at(-1) ?? cursor[0];
}
