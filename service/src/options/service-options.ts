import type { SuretyAddresses } from "@surety/chain";
import { INPUT_SCHEMES, type InputScheme } from "../inputs/obtain-input.ts";
import { readDeployment } from "./deployment-file.ts";
import { type KeySource, readKeySource } from "./key.ts";
import { type Arguments, listOf, logLevel, url, wholeNumber } from "./read-arguments.ts";

/** What every service is started with. */
export interface ServiceOptions {
  /** JSON-RPC endpoint of the chain. */
  readonly rpcUrl: string;
  readonly addresses: SuretyAddresses;
  /** Where the service's private key is; plaintext, so only for development chains. */
  readonly key: KeySource;
  /** Directory of compiled models: a bundle, or one bundle in each subdirectory. */
  readonly bundlesDir: string;
  /** Directory of what the service keeps; one process each. Default: `.surety/` and the service's name. */
  readonly dataDir?: string;
  /** Refused when the RPC serves another chain. Default: whatever it serves. */
  readonly chainId?: number;
  /** Interface of the API. Default: `127.0.0.1`. */
  readonly host?: string;
  /** Port of the API; 0 takes a free one. Default: the service's own. */
  readonly port?: number;
  /** First block whose events are wanted, when the store is empty. Default: 0. */
  readonly startBlock?: bigint;
  /** A block this deep is final. Default: 64. */
  readonly finalityBlocks?: number;
  /** Milliseconds between looks at the chain. Default: 500. */
  readonly pollMs?: number;
  /** Milliseconds that the RPC may be down before the service gives up. Default: 30,000. */
  readonly rpcGiveUpMs?: number;
  /** Never pay more wei per gas. Default: 500 gwei. */
  readonly maxFeePerGasCapWei?: bigint;
  /**
   * Kinds of addresses that inputs by reference are fetched from. A requester chooses the host, which may be one of the own network, and the file: allow only
   * what this machine may reach for strangers. Default: none; inputs are taken from the folder `inputs` of `dataDir`.
   */
  readonly fetchInputs?: readonly InputScheme[];
  /** pino's level. Default: `info`. */
  readonly logLevel?: string;
}

/** Flags of every service. */
export const SERVICE_FLAGS = {
  "rpc-url": { type: "string" },
  deployment: { type: "string" },
  bundles: { type: "string" },
  "key-file": { type: "string" },
  "data-dir": { type: "string" },
  "chain-id": { type: "string" },
  host: { type: "string" },
  port: { type: "string" },
  "start-block": { type: "string" },
  "finality-blocks": { type: "string" },
  "poll-ms": { type: "string" },
  "rpc-give-up-ms": { type: "string" },
  "fetch-inputs": { type: "string" },
  "log-level": { type: "string" },
} as const;

/** @throws UsageError OPTION_MISSING, OPTION_INVALID */
export function readServiceOptions(given: Arguments<keyof typeof SERVICE_FLAGS>): ServiceOptions {
  const { text, required, optional } = given;
  const deployment = readDeployment(required("deployment"));
  return {
    rpcUrl: url(required("rpc-url"), "rpc-url"),
    addresses: deployment.addresses,
    key: readKeySource(text("key-file"), given.privateKey),
    bundlesDir: required("bundles"),
    ...(deployment.startBlock === undefined ? {} : { startBlock: deployment.startBlock }),
    ...optional("dataDir", "data-dir", String),
    ...optional("chainId", "chain-id", wholeNumber),
    ...optional("host", "host", String),
    ...optional("port", "port", wholeNumber),
    ...optional("startBlock", "start-block", (value, name) => BigInt(wholeNumber(value, name))),
    ...optional("finalityBlocks", "finality-blocks", wholeNumber),
    ...optional("pollMs", "poll-ms", wholeNumber),
    ...optional("rpcGiveUpMs", "rpc-give-up-ms", wholeNumber),
    ...optional("fetchInputs", "fetch-inputs", (value, name) => listOf(INPUT_SCHEMES, value, name)),
    ...optional("logLevel", "log-level", logLevel),
  };
}
