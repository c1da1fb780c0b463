import { readFileSync } from "node:fs";
import { FatalError } from "@surety/protocol";

/** Asks a person; undefined where there is none to ask. */
export type AskPassword = (question: string) => Promise<string>;

/**
 * A password: the first line of a file, else what a person types. Never an argument and never the environment, which others may read.
 *
 * @throws FatalError PASSWORD_UNREADABLE, PASSWORD_MISSING
 */
export async function obtainPassword(
  file: string | undefined,
  question: string,
  ask: AskPassword | undefined,
): Promise<string> {
  if (file !== undefined) return readPasswordFile(file);
  if (ask !== undefined) return ask(question);
  throw new FatalError("PASSWORD_MISSING", "Nobody is here to type the password: give --password-file.");
}

function readPasswordFile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const why = (cause as Error).message;
    throw new FatalError("PASSWORD_UNREADABLE", `The password file ${path} cannot be read: ${why}.`, {
      cause,
    });
  }
  const [password = ""] = text.split(/\r?\n/);
  if (password !== "") return password;
  throw new FatalError("PASSWORD_MISSING", `The first line of the password file ${path} is empty.`);
}
