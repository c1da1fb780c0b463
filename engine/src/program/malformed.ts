import { FatalError } from "@surety/protocol";

/**
 * The error for a program that breaks the exact profile. One code, since the verdict is one: nobody may stake on it.
 *
 * @param index Instruction number, or null for the program as a whole.
 */
export function malformed(index: number | null, what: string): FatalError {
  const where = index === null ? "Program" : `Instruction ${index}`;
  return new FatalError(
    "PROGRAM_MALFORMED",
    `${where}: ${what}. The referee would call it malformed (docs/exact-profile.md): compile the model again.`,
  );
}
