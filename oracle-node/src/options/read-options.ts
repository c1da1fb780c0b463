import { parseArgs } from "node:util";
import { UsageError } from "@surety/protocol";
import { type FaultOptions, parseFaultTarget } from "../testing/fault-plan.ts";
import { readDeployment } from "./deployment-file.ts";
import type { KeySource } from "./key.ts";
import type { OracleNodeOptions } from "./options.ts";

const FLAGS = {
  "rpc-url": { type: "string" },
  deployment: { type: "string" },
  bundles: { type: "string" },
  "key-file": { type: "string" },
  "data-dir": { type: "string" },
  "chain-id": { type: "string" },
  queue: { type: "string" },
  host: { type: "string" },
  port: { type: "string" },
  "start-block": { type: "string" },
  "finality-blocks": { type: "string" },
  "poll-ms": { type: "string" },
  "rpc-give-up-ms": { type: "string" },
  "log-level": { type: "string" },
  fault: { type: "string" },
  "fault-requests": { type: "string" },
  help: { type: "boolean" },
} as const;

type FlagName = Exclude<keyof typeof FLAGS, "help">;
type Environment = Readonly<Record<string, string | undefined>>;

export const USAGE = `Usage: oracle-node --rpc-url URL --deployment FILE --bundles DIR [--key-file FILE] [options]

  --rpc-url URL          JSON-RPC endpoint of the chain
  --deployment FILE      JSON: {"registry","operators","oracle","game"} addresses, and optionally "startBlock"
  --bundles DIR          compiled models to serve: a bundle, or one in each subdirectory
  --key-file FILE        the operator's private key; development chains only. Or SURETY_PRIVATE_KEY in the environment
  --data-dir DIR         store and embedded queue, one node each (default .surety/oracle-node)
  --chain-id N           refuse any other chain
  --queue URL            embedded (default) or redis://...
  --host HOST --port N   of the API (default 127.0.0.1:9464; port 0 takes a free one)
  --start-block N        first block to read (default: the deployment's, else 0)
  --finality-blocks N    a block this deep is final (default 64)
  --poll-ms N            between looks at the chain (default 500)
  --rpc-give-up-ms N     how long the RPC may be down (default 30000)
  --log-level LEVEL      default info
  --fault LIE            development chains only: lie at layer=I,element=J or output
  --fault-requests N     development chains only: lie in so many answers, then be honest

Every flag can be given as SURETY_<FLAG> in the environment, as in SURETY_RPC_URL; a flag wins.`;

/**
 * Options from flags, then from `SURETY_*`.
 *
 * @param args Without the executable and the script.
 * @throws UsageError OPTION_MISSING, OPTION_INVALID
 */
export function readOptions(args: readonly string[], env: Environment): OracleNodeOptions | "help" {
  const flags = parse(args);
  if (flags.help === true) return "help";
  const text = (name: FlagName) => flags[name] ?? env[environmentName(name)];
  const required = (name: FlagName): string => {
    const value = text(name);
    if (value !== undefined && value !== "") return value;
    throw new UsageError("OPTION_MISSING", `Give --${name} or ${environmentName(name)}.`);
  };
  /** `{ [key]: value }`, or nothing when the option is not given: its default then holds. */
  function optional<Key extends string, Value>(
    key: Key,
    name: FlagName,
    read: (value: string, name: FlagName) => Value,
  ): { [K in Key]?: Value } {
    const value = text(name);
    return value === undefined ? {} : ({ [key]: read(value, name) } as { [K in Key]: Value });
  }
  const deployment = readDeployment(required("deployment"));
  const fault = readFault(text("fault"), text("fault-requests"));
  return {
    rpcUrl: url(required("rpc-url"), "rpc-url"),
    addresses: deployment.addresses,
    key: readKeySource(text("key-file"), env),
    bundlesDir: required("bundles"),
    ...(deployment.startBlock === undefined ? {} : { startBlock: deployment.startBlock }),
    ...optional("dataDir", "data-dir", String),
    ...optional("chainId", "chain-id", wholeNumber),
    ...optional("queueUrl", "queue", String),
    ...optional("host", "host", String),
    ...optional("port", "port", wholeNumber),
    ...optional("startBlock", "start-block", (value, name) => BigInt(wholeNumber(value, name))),
    ...optional("finalityBlocks", "finality-blocks", wholeNumber),
    ...optional("pollMs", "poll-ms", wholeNumber),
    ...optional("rpcGiveUpMs", "rpc-give-up-ms", wholeNumber),
    ...optional("logLevel", "log-level", logLevel),
    ...(fault === undefined ? {} : { fault }),
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

function invalid(name: FlagName, value: string, what: string): UsageError {
  return new UsageError("OPTION_INVALID", `--${name} ${JSON.stringify(value)} is not ${what}.`);
}

function wholeNumber(value: string, name: FlagName): number {
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw invalid(name, value, "a whole number");
}

function url(value: string, name: FlagName): string {
  if (URL.canParse(value) && /^https?:/.test(value)) return value;
  throw invalid(name, value, "an http:// or https:// URL");
}

const LEVELS = ["trace", "debug", "info", "warn", "error", "silent"];

function logLevel(value: string, name: FlagName): string {
  if (LEVELS.includes(value)) return value;
  throw invalid(name, value, `one of ${LEVELS.join(", ")}`);
}

function readFault(target: string | undefined, requests: string | undefined): FaultOptions | undefined {
  if (target === undefined) return undefined;
  const parsed = { target: parseFaultTarget(target) };
  return requests === undefined ? parsed : { ...parsed, requests: wholeNumber(requests, "fault-requests") };
}

function readKeySource(keyFile: string | undefined, env: Environment): KeySource {
  if (keyFile !== undefined) return { kind: "file", path: keyFile };
  if (env.SURETY_PRIVATE_KEY !== undefined) return { kind: "environment", value: env.SURETY_PRIVATE_KEY };
  throw new UsageError(
    "OPTION_MISSING",
    "Give --key-file, or the key itself as SURETY_PRIVATE_KEY in the environment.",
  );
}
