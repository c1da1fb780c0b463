import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { joinedRoot } from "@surety/engine";
import { RetryableError } from "@surety/protocol";
import type { InputReference } from "../store/requests.ts";

/** Kinds of addresses that inputs may be fetched from. */
export const INPUT_SCHEMES = ["file", "http", "https"] as const;
export type InputScheme = (typeof INPUT_SCHEMES)[number];

/** Where inputs by reference are looked for. */
export interface InputSources {
  /** A folder of files named by the roots of the inputs that they hold. */
  readonly folder: string;
  /** Kinds of requesters' addresses that are followed. A requester is a stranger: it chooses the host, which may be one of the own network. */
  readonly schemes: readonly InputScheme[];
}

const FETCH_MS = 30_000;

/**
 * The input that a request refers to: from the folder, else from where the requester says it is, as far as that is allowed. Never more bytes are read
 * than the model takes, redirections are not followed, and what is found is used only if it has the root.
 *
 * @param sizes Bytes of each of the model's inputs.
 * @throws RetryableError INPUT_UNAVAILABLE, INPUT_NOT_ITS_ROOT
 */
export async function obtainInput(
  { requestId, inputRoot, uri }: InputReference,
  sizes: readonly number[],
  { folder, schemes }: InputSources,
): Promise<Uint8Array> {
  const length = sizes.reduce((sum, size) => sum + size, 0);
  const what = `The input of request ${requestId} with the root ${inputRoot}`;
  let input = await readExactly(join(folder, inputRoot), length).catch(() => undefined);
  const scheme = schemes.find((one) => uri.toLowerCase().startsWith(`${one}:`));
  if (input === undefined && scheme !== undefined) {
    try {
      input = await (scheme === "file" ? readExactly(fileURLToPath(uri), length) : fetchExactly(uri, length));
    } catch (cause) {
      throw new RetryableError("INPUT_UNAVAILABLE", `${what} cannot be had from ${JSON.stringify(uri)}.`, {
        cause,
      });
    }
  }
  if (input === undefined) {
    throw new RetryableError(
      "INPUT_UNAVAILABLE",
      `${what} is not in ${folder}, and ${JSON.stringify(uri)} is not to be fetched (--fetch-inputs ${schemes.join(",") || "none"}).`,
    );
  }
  if (joinedRoot(sizes, input) === inputRoot) return input;
  throw new RetryableError("INPUT_NOT_ITS_ROOT", `${what}: what was found has another root. It is not used.`);
}

/** A regular file of exactly that length: no device and no pipe, which might never end. */
async function readExactly(path: string, length: number): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size !== length) throw new Error(`${path} is no file of ${length} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

async function fetchExactly(uri: string, length: number): Promise<Uint8Array> {
  const response = await fetch(uri, { redirect: "error", signal: AbortSignal.timeout(FETCH_MS) });
  if (!response.ok || response.body === null) throw new Error(`the answer is ${response.status}`);
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const chunk of response.body) {
    // Leaving the loop ends the transfer.
    if (at + chunk.length > length) throw new Error(`there are more than ${length} bytes`);
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at !== length) throw new Error(`there are ${at} bytes, not ${length}`);
  return bytes;
}
