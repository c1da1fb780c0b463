import { parseArgs } from "node:util";
import { UsageError } from "@surety/protocol";
import { readDeployment } from "./deployment-file.ts";
import { readKeySource } from "./key.ts";
import type { ChallengerOptions } from "./options.ts";

const FLAGS = {
  "rpc-url": { type: "string" },
  deployment: { type: "string" },
  bundles: { type: "string" },
  "data-dir": { type: "string" },
  "key-file": { type: "string" },
  "chain-id": { type: "string" },
  host: { type: "string" },
  port: { type: "string" },
  "start-block": { type: "string" },
  "finality-blocks": { type: "string" },
  "poll-ms": { type: "string" },
  "rpc-give-up-ms": { type: "string" },
  "log-level": { type: "string" },
  "watch-only": { type: "boolean" },
  help: { type: "boolean" },
} as const;

type FlagName = keyof typeof FLAGS;
type TextFlag = Exclude<FlagName, "watch-only" | "help">;

export const USAGE = `Usage: challenger --rpc-url URL --deployment FILE --bundles DIR [--key-file FILE] [options]

  --rpc-url URL          JSON-RPC endpoint of the chain
  --deployment FILE      JSON: {"registry","operators","oracle","game"} addresses, and optionally "startBlock"
  --bundles DIR          compiled models, one directory each
  --key-file FILE        private key; development chains only. Or SURETY_PRIVATE_KEY in the environment
  --data-dir DIR         the store (default .surety/challenger)
  --chain-id N           refuse any other chain
  --host HOST --port N   of the API (default 127.0.0.1:9465; port 0 takes a free one)
  --start-block N        first block to read (default: the deployment's, else 0)
  --finality-blocks N    a block this deep is final (default 64)
  --poll-ms N            between looks at the chain (default 500)
  --rpc-give-up-ms N     how long the RPC may be down (default 30000)
  --log-level LEVEL      default info
  --watch-only           verify and report, open nothing

Every flag can be given as SURETY_<FLAG> in the environment, as in SURETY_RPC_URL; a flag wins.`;

/**
 * Options from flags, then from `SURETY_*`.
 *
 * @throws UsageError OPTION_MISSING, OPTION_INVALID
 */
export function readOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ChallengerOptions | "help" {
  const flags = parse(args);
  if (flags.help === true) return "help";
  const text = (name: TextFlag): string | undefined => flags[name] ?? env[environmentName(name)];
  const required = (name: TextFlag): string => {
    const value = text(name);
    if (value !== undefined && value !== "") return value;
    throw new UsageError("OPTION_MISSING", `Give --${name} or ${environmentName(name)}.`);
  };
  const optional = <Key extends string, Value>(
    key: Key,
    name: TextFlag,
    read: (value: string, name: string) => Value,
  ) => {
    const value = text(name);
    return value === undefined ? {} : ({ [key]: read(value, name) } as { [K in Key]: Value });
  };
  const deployment = readDeployment(required("deployment"));
  const watchOnly = flags["watch-only"] ?? ["1", "true"].includes(env.SURETY_WATCH_ONLY ?? "");
  return {
    rpcUrl: url(required("rpc-url")),
    addresses: deployment.addresses,
    key: readKeySource(text("key-file"), env.SURETY_PRIVATE_KEY),
    bundlesDir: required("bundles"),
    watchOnly,
    ...(deployment.startBlock === undefined ? {} : { startBlock: deployment.startBlock }),
    ...optional("dataDir", "data-dir", (value) => value),
    ...optional("chainId", "chain-id", wholeNumber),
    ...optional("host", "host", (value) => value),
    ...optional("port", "port", wholeNumber),
    ...optional("startBlock", "start-block", (value, name) => BigInt(wholeNumber(value, name))),
    ...optional("finalityBlocks", "finality-blocks", wholeNumber),
    ...optional("pollMs", "poll-ms", wholeNumber),
    ...optional("rpcGiveUpMs", "rpc-give-up-ms", wholeNumber),
    ...optional("logLevel", "log-level", logLevel),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    const why = (cause instanceof Error ? cause.message : String(cause)).split(/\.\s|\n/)[0];
    throw new UsageError("OPTION_INVALID", `${why}. See --help.`, { cause });
  }
}

function environmentName(name: FlagName): string {
  return `SURETY_${name.toUpperCase().replaceAll("-", "_")}`;
}

function wholeNumber(value: string, name: string): number {
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new UsageError("OPTION_INVALID", `--${name} ${JSON.stringify(value)} is not a whole number.`);
}

function url(value: string): string {
  if (URL.canParse(value) && /^https?:/.test(value)) return value;
  throw new UsageError(
    "OPTION_INVALID",
    `--rpc-url ${JSON.stringify(value)} is not an http:// or https:// URL.`,
  );
}

const LEVELS = ["trace", "debug", "info", "warn", "error", "silent"];

function logLevel(value: string): string {
  if (LEVELS.includes(value)) return value;
  throw new UsageError(
    "OPTION_INVALID",
    `--log-level ${JSON.stringify(value)} is none of ${LEVELS.join(", ")}.`,
  );
}
