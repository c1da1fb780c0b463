import askHidden from "@inquirer/password";
import type { AskPassword } from "./password.ts";

/** Asks whoever sits at the terminal, without showing what is typed; undefined where nobody does. */
export function terminalPassword(): AskPassword | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  // Standard output is for results: a service's ready line, a command's JSON.
  return (question) => askHidden({ message: `${question}:` }, { output: process.stderr });
}
