import { type Environment, readArguments, readServiceOptions, SERVICE_FLAGS, usage } from "@surety/service";
import type { ChallengerOptions } from "./options.ts";

const FLAGS = { ...SERVICE_FLAGS, "watch-only": { type: "boolean" } } as const;

export const DEFAULT_PORT = 9465;

export const USAGE = usage({
  command: "challenger",
  defaultPort: DEFAULT_PORT,
  bundles: "compiled models to check the answers of",
  key: "the challenger's private key",
  dataDir: "the store, one challenger each",
  own: [["--watch-only", "verify and report, open nothing"]],
});

/**
 * Options from flags, then from `SURETY_*`.
 *
 * @param args Without the executable and the script.
 * @throws UsageError OPTION_MISSING, OPTION_INVALID
 */
export function readOptions(args: readonly string[], env: Environment): ChallengerOptions | "help" {
  const given = readArguments(FLAGS, args, env);
  if (given === "help") return "help";
  return { ...readServiceOptions(given), watchOnly: given.isSet("watch-only") };
}
