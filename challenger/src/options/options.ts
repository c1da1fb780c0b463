import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { SuretyAddresses } from "@surety/chain";
import { FatalError, UsageError } from "@surety/protocol";
import { type Address, getAddress, type Hex, isAddress } from "viem";

/** Everything a challenger is started with. */
export interface ChallengerOptions {
  /** JSON-RPC endpoint of the chain. */
  readonly rpcUrl: string;
  readonly addresses: SuretyAddresses;
  /** Signs for the challenger's account; plaintext, so only for development chains. */
  readonly privateKey: Hex;
  /** Directory of model bundles: those of models it does not hold are not checked. */
  readonly bundlesDir: string;
  /** Directory of the store. Default: `.surety/challenger`. */
  readonly dataDir?: string;
  /** Refused when the RPC serves another chain. Default: whatever it serves. */
  readonly chainId?: number;
  /** Interface of the API. Default: `127.0.0.1`. */
  readonly host?: string;
  /** Port of the API; 0 takes a free one. Default: 9465. */
  readonly port?: number;
  /** First block whose events are wanted, when the store is empty. Default: 0. */
  readonly startBlock?: bigint;
  /** A block this deep is final. Default: 64. */
  readonly finalityBlocks?: number;
  /** Milliseconds between looks at the chain and at the own games. Default: 500. */
  readonly pollMs?: number;
  /** Never pay more wei per gas. Default: 500 gwei. */
  readonly maxFeePerGasCapWei?: bigint;
  /** Verify and report; open nothing, play nothing. Default: false. */
  readonly watchOnly?: boolean;
  /** pino's level. Default: `info`. */
  readonly logLevel?: string;
}

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
  "log-level": { type: "string" },
  "watch-only": { type: "boolean" },
  help: { type: "boolean" },
} as const;

type FlagName = keyof typeof FLAGS;

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
  const text = (name: Exclude<FlagName, "watch-only" | "help">): string | undefined =>
    flags[name] ?? env[environmentName(name)];
  const required = (name: Exclude<FlagName, "watch-only" | "help">): string => {
    const value = text(name);
    if (value !== undefined && value !== "") return value;
    throw new UsageError("OPTION_MISSING", `Give --${name} or ${environmentName(name)}.`);
  };
  const optional = <Key extends string, Value>(
    key: Key,
    name: Exclude<FlagName, "watch-only" | "help">,
    read: (value: string, name: string) => Value,
  ) => {
    const value = text(name);
    return value === undefined ? {} : ({ [key]: read(value, name) } as { [K in Key]: Value });
  };
  const deployment = readDeployment(required("deployment"));
  const watchOnly = flags["watch-only"] ?? ["1", "true"].includes(env.SURETY_WATCH_ONLY ?? "");
  return {
    rpcUrl: required("rpc-url"),
    addresses: deployment.addresses,
    privateKey: readPrivateKey(text("key-file"), env.SURETY_PRIVATE_KEY),
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
    ...optional("logLevel", "log-level", (value) => value),
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

function readDeployment(path: string): { readonly addresses: SuretyAddresses; readonly startBlock?: bigint } {
  let file: Record<string, unknown>;
  try {
    file = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  } catch (cause) {
    throw new UsageError("OPTION_INVALID", `The deployment file ${path} cannot be read as JSON.`, { cause });
  }
  const address = (name: string): Address => {
    const value = file[name];
    if (typeof value === "string" && isAddress(value)) return getAddress(value);
    throw new UsageError("OPTION_INVALID", `The deployment file ${path} has no address "${name}".`);
  };
  const addresses = {
    registry: address("registry"),
    operators: address("operators"),
    oracle: address("oracle"),
    game: address("game"),
  };
  const { startBlock } = file;
  return startBlock === undefined ? { addresses } : { addresses, startBlock: BigInt(String(startBlock)) };
}

/** The key never appears in a message. */
function readPrivateKey(keyFile: string | undefined, fromEnvironment: string | undefined): Hex {
  let text = fromEnvironment;
  if (keyFile !== undefined) {
    try {
      text = readFileSync(keyFile, "utf8");
    } catch {
      throw new UsageError("OPTION_INVALID", `The key file ${keyFile} cannot be read.`);
    }
  }
  const key = text?.trim();
  if (key === undefined || key === "") {
    throw new UsageError("OPTION_MISSING", "Give --key-file, or SURETY_PRIVATE_KEY in the environment.");
  }
  if (!/^0x[0-9a-fA-F]{64}$/.test(key)) {
    throw new FatalError("KEY_MALFORMED", "The private key is not 0x and 64 hexadecimal digits.");
  }
  return key as Hex;
}
