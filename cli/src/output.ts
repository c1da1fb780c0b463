import { styleText } from "node:util";
import { errorCode, SuretyError, UsageError } from "@surety/protocol";

/** Exit codes of every command. */
export const EXIT = { success: 0, negative: 1, usage: 2 } as const;

/** One line on standard output. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Coloured text where the stream is a terminal that shows colours, and `NO_COLOR` is not set. */
export function paint(
  colour: "red" | "green" | "yellow" | "dim",
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
): string {
  return styleText(colour, text, { stream });
}

/** JSON on one line; bigints become decimal strings. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, item) => (typeof item === "bigint" ? item.toString() : item));
}

/** The exit code an error deserves: 2 when the call was wrong, 1 otherwise. */
export function exitCodeOf(error: unknown): number {
  return error instanceof UsageError ? EXIT.usage : EXIT.negative;
}

/** Prints an error as one line on standard error, or, with --json, as an object on standard output. */
export function printError(error: unknown, json: boolean): void {
  const code = errorCode(error);
  const message = error instanceof SuretyError ? error.shortMessage : messageOf(error);
  if (json) print(toJson({ error: { code, message } }));
  else process.stderr.write(`${paint("red", `error[${code}]`, process.stderr)}: ${message}\n`);
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0] ?? text;
}
