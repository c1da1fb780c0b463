import { InvalidArgumentError } from "commander";

/** Reads an option that counts or numbers something. */
export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new InvalidArgumentError("Give a whole number.");
  return Number(text);
}
