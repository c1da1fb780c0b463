import { readFileSync } from "node:fs";
import { FatalError } from "@surety/protocol";

/** Shorter ones can be guessed. */
const LEAST_CHARACTERS = 16;

export interface ReadSecretParameters {
  /** For people, as in "The API's token". */
  readonly what: string;
  /** Its first line is the secret. */
  readonly file: string | undefined;
  readonly fromEnvironment: string | undefined;
}

/**
 * A secret that is shared with somebody: of a file, or else of the environment.
 *
 * @throws FatalError SECRET_UNREADABLE, SECRET_WEAK
 */
export function readSecret(parameters: ReadSecretParameters): string | undefined {
  const { what, file, fromEnvironment } = parameters;
  const secret = file === undefined ? fromEnvironment : firstLineOf(file, what);
  if (secret === undefined || secret.length >= LEAST_CHARACTERS) return secret;
  throw new FatalError(
    "SECRET_WEAK",
    `${what} has ${secret.length} characters; ${LEAST_CHARACTERS} is the least. Make one: openssl rand -hex 32`,
  );
}

function firstLineOf(path: string, what: string): string {
  try {
    return readFileSync(path, "utf8").split(/\r?\n/)[0] ?? "";
  } catch (cause) {
    const why = (cause as Error).message;
    const text = `${what} is to be in ${path}, which cannot be read: ${why}.`;
    throw new FatalError("SECRET_UNREADABLE", text, { cause });
  }
}
