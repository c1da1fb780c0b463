import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** How much and how long a file may be. */
export interface TransferLimits {
  readonly mostBytes: number;
  /** Without a single byte for so long, it is given up. */
  readonly stallMs: number;
  /** Gives it up from outside, at the latest when all of it has taken too long. */
  readonly signal: AbortSignal;
}

/**
 * Downloads a file as it comes, never more of it in memory than a piece. Redirections are not followed: who was asked is who answers.
 *
 * @returns its bytes
 * @throws Error where it cannot be had within the limits; what is at `to` then is of no use
 */
export async function download(url: string, to: string, limits: TransferLimits): Promise<number> {
  const { mostBytes, stallMs, signal } = limits;
  const stall = new AbortController();
  const stalled = () => stall.abort(new Error(`nothing came for ${stallMs / 1_000} s`));
  let timer = setTimeout(stalled, stallMs);
  try {
    const response = await fetch(url, {
      redirect: "error",
      signal: AbortSignal.any([signal, stall.signal]),
      headers: { "accept-encoding": "identity" },
    });
    if (!response.ok || response.body === null) throw new Error(`the answer is ${response.status}`);
    if (Number(response.headers.get("content-length") ?? 0) > mostBytes) {
      await response.body.cancel();
      throw tooLarge();
    }
    return await write(to, response.body, mostBytes, () => {
      clearTimeout(timer);
      timer = setTimeout(stalled, stallMs);
    });
  } catch (error) {
    // fetch says "fetch failed"; what failed is its cause.
    throw error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
  } finally {
    clearTimeout(timer);
  }
}

/** The same with a regular file of this machine: no device and no pipe, which might never end. */
export async function copyBounded(from: string, to: string, { mostBytes }: TransferLimits): Promise<number> {
  const file = await open(from, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${from} is no file`);
    return await write(to, file.createReadStream({ autoClose: false }), mostBytes);
  } finally {
    await file.close();
  }
}

async function write(
  to: string,
  pieces: AsyncIterable<Uint8Array>,
  mostBytes: number,
  onPiece?: () => void,
): Promise<number> {
  const file = await open(to, "wx");
  try {
    let bytes = 0;
    // Leaving the loop ends the transfer.
    for await (const piece of pieces) {
      onPiece?.();
      bytes += piece.length;
      if (bytes > mostBytes) throw tooLarge();
      await file.appendFile(piece);
    }
    await file.sync();
    return bytes;
  } finally {
    await file.close();
  }
}

function tooLarge(): Error {
  return new Error("there are more bytes than are allowed");
}
