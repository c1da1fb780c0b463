import { SuretyError } from "@surety/protocol";

/** What went wrong, in one line. The first only: viem's further lines tell the RPC's URL, which may hold a secret. */
export function reasonOf(error: unknown): string {
  if (error instanceof SuretyError) return error.shortMessage;
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0] ?? text;
}
