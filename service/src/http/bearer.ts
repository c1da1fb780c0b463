import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { FatalError } from "@surety/protocol";

/** Shorter ones can be guessed. */
const LEAST_CHARACTERS = 16;

/**
 * The token of whoever may change a service's state.
 *
 * @param file Its first line is the token.
 * @throws FatalError API_TOKEN_UNREADABLE, API_TOKEN_WEAK
 */
export function readApiToken(
  file: string | undefined,
  fromEnvironment: string | undefined,
): string | undefined {
  const token = file === undefined ? fromEnvironment : firstLineOf(file);
  if (token === undefined || token.length >= LEAST_CHARACTERS) return token;
  throw new FatalError(
    "API_TOKEN_WEAK",
    `The API's token has ${token.length} characters; ${LEAST_CHARACTERS} is the least. Make one: openssl rand -hex 32`,
  );
}

function firstLineOf(path: string): string {
  try {
    return readFileSync(path, "utf8").split(/\r?\n/)[0] ?? "";
  } catch (cause) {
    const why = (cause as Error).message;
    throw new FatalError("API_TOKEN_UNREADABLE", `The token file ${path} cannot be read: ${why}.`, { cause });
  }
}

export type Bearer = "right" | "wrong" | "missing" | "no-token-here";

/** Whether a request's `Authorization` header carries the token; takes as long whatever it carries. */
export function checkBearer(header: string | undefined, token: string | undefined): Bearer {
  if (token === undefined) return "no-token-here";
  const given = /^Bearer (.+)$/.exec(header ?? "")?.[1];
  if (given === undefined) return "missing";
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(token)) ? "right" : "wrong";
}
