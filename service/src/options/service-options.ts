import type { SuretyAddresses } from "@surety/chain";
import { UsageError } from "@surety/protocol";
import type { Webhook } from "../alerts/alerts.ts";
import { INPUT_SCHEMES, type InputScheme } from "../inputs/obtain-input.ts";
import { type KeySource, keySourceOf } from "../keys/account.ts";
import type { ModelOptions } from "../models/wanted-models.ts";
import { readDeployment } from "./deployment-file.ts";
import { type OptionTable, take } from "./option.ts";
import { type Settings, variableOf } from "./read-settings.ts";
import { readSecret } from "./secret.ts";

/** What every service is started with. */
export interface ServiceOptions extends ModelOptions {
  /** JSON-RPC endpoints of the chain, the preferred one first. */
  readonly rpcUrls: readonly string[];
  readonly addresses: SuretyAddresses;
  /** Where the service's private key is. */
  readonly key: KeySource;
  /** Directory of what the service keeps; one process each. Default: `.surety/` and the service's name. */
  readonly dataDir?: string;
  /** Refused when an RPC serves another chain. Default: whatever they serve. */
  readonly chainId?: number;
  /** Interface of the API. Default: `127.0.0.1`. */
  readonly host?: string;
  /** Port of the API; 0 takes a free one. Default: the service's own. */
  readonly port?: number;
  /** Whoever changes something by the API must carry it. Default: nobody may change anything. */
  readonly apiToken?: string;
  /** Requests a minute that the API takes from one address. Default: 600. */
  readonly apiRequestsPerMinute?: number;
  /** First block whose events are wanted, when the store is empty. Default: 0. */
  readonly startBlock?: bigint;
  /** A block this deep is final. Default: 64. */
  readonly finalityBlocks?: number;
  /** Milliseconds between looks at the chain. Default: 500. */
  readonly pollMs?: number;
  /** Milliseconds that every RPC may be down before the service gives up. Default: 30,000. */
  readonly rpcGiveUpMs?: number;
  /** A head that has not moved for so many seconds is stale: the service is not ready. 0 never. Default: 180, on development chains 0. */
  readonly staleHeadSeconds?: number;
  /** Seconds between self-tests: every byte of every bundle, the kernels' known answers, the golden vectors. Default: 3,600. */
  readonly selfTestSeconds?: number;
  /** Never pay more wei per gas for what can wait. Default: 500 gwei. */
  readonly maxFeePerGasCapWei?: bigint;
  /** Nor more than this in the last minute of a dispute's clock. Default: four times the other. */
  readonly urgentFeePerGasCapWei?: bigint;
  /**
   * Kinds of addresses that inputs by reference are fetched from. A requester chooses the host, which may be one of the own network, and the file: allow only
   * what this machine may reach for strangers. Default: none; inputs are taken from the folder `inputs` of `dataDir`.
   */
  readonly fetchInputs?: readonly InputScheme[];
  /** Told what somebody should know or do. Default: nobody is. */
  readonly webhook?: Webhook;
  /** pino's level. Default: `info`. */
  readonly logLevel?: string;
}

const LEVELS = ["trace", "debug", "info", "warn", "error", "silent"] as const;
const GWEI = 1_000_000_000n;
/** Where models are when it is not said. */
export const DEFAULT_BUNDLES = ".surety/models";

/** Options of every service. */
export const SERVICE_OPTIONS = {
  "rpc-url": {
    schema: take.urls,
    value: "URL",
    repeats: true,
    secret: "url",
    help: "JSON-RPC endpoint of the chain; several, the preferred one first, are checked against each other",
  },
  deployment: {
    schema: take.text,
    value: "FILE",
    help: 'JSON: {"registry","operators","oracle","game"} addresses, and optionally "attention" and "startBlock"',
  },
  bundles: {
    schema: take.text,
    value: "DIR",
    help: "compiled models: a bundle, or one in each subdirectory (default .surety/models)",
  },
  model: {
    schema: take.modelIds,
    value: "ID",
    repeats: true,
    help: "fetch this model at the start, unless it is in the directory of bundles",
  },
  "model-source": {
    schema: take.texts,
    value: "URL",
    repeats: true,
    secret: "url",
    help: "where from: another node's http(s)://..., ipfs://CID, or a folder; several, the preferred one first",
  },
  "ipfs-gateway": {
    schema: take.url,
    value: "URL",
    secret: "url",
    help: "that serves /ipfs/CID, for ipfs:// sources",
  },
  "most-model-mb": {
    schema: take.wholeNumber,
    value: "N",
    help: "refuse to fetch a model of more than so many MB (default 1024)",
  },
  "model-store-mb": {
    schema: take.wholeNumber,
    value: "N",
    help: "fetch nothing that makes the directory of bundles larger than so many MB (default 16384)",
  },
  keystore: { schema: take.text, value: "FILE", help: "encrypted key of the account (surety keys create)" },
  "password-file": {
    schema: take.text,
    value: "FILE",
    help: "its first line opens the keystore (default: asked for)",
  },
  "signer-url": {
    schema: take.url,
    value: "URL",
    secret: "url",
    help: "a signer with Web3Signer's API instead of a keystore",
  },
  "signer-address": { schema: take.address, value: "ADDRESS", help: "of the account at that signer" },
  "key-file": { schema: take.text, value: "FILE", help: "plaintext key; development chains only" },
  "data-dir": {
    schema: take.text,
    value: "DIR",
    help: "what the service keeps, one process each (default .surety/ and its name)",
  },
  "chain-id": { schema: take.wholeNumber, value: "N", help: "refuse any other chain" },
  host: { schema: take.text, value: "HOST", help: "of the API (default 127.0.0.1)" },
  port: { schema: take.wholeNumber, value: "N", help: "of the API; 0 takes a free one" },
  "api-token-file": {
    schema: take.text,
    value: "FILE",
    help: "its first line is the token of those who may change something by the API (default: nobody)",
  },
  "api-requests-per-minute": {
    schema: take.wholeNumber,
    value: "N",
    help: "that the API takes from one address (default 600)",
  },
  "start-block": {
    schema: take.wholeNumber,
    value: "N",
    help: "first block to read (default: the deployment's, else 0)",
  },
  "finality-blocks": {
    schema: take.wholeNumber,
    value: "N",
    help: "a block this deep is final (default 64)",
  },
  "poll-ms": { schema: take.wholeNumber, value: "N", help: "between looks at the chain (default 500)" },
  "rpc-give-up-ms": {
    schema: take.wholeNumber,
    value: "N",
    help: "how long all RPCs may be down before the service ends (default 30000)",
  },
  "stale-head-seconds": {
    schema: take.wholeNumber,
    value: "N",
    help: "not ready when the head stands still for so long; 0 never (default 180, on development chains 0)",
  },
  "self-test-seconds": {
    schema: take.count,
    value: "N",
    help: "between self-tests of all models: bytes, known answers, golden vectors (default 3600)",
  },
  "max-fee-gwei": {
    schema: take.wholeNumber,
    value: "N",
    help: "never pay more per gas for what can wait (default 500)",
  },
  "max-fee-urgent-gwei": {
    schema: take.wholeNumber,
    value: "N",
    help: "nor this when a dispute's clock runs out (default 4 times max-fee-gwei); the cap rises in the last 10 minutes",
  },
  "fetch-inputs": {
    schema: take.listOf(INPUT_SCHEMES),
    value: "KINDS",
    repeats: true,
    help: "of file,http,https: fetch inputs from where strangers say (default none)",
  },
  webhook: {
    schema: take.url,
    value: "URL",
    secret: "url",
    help: "POST alerts there, signed with the webhook's secret",
  },
  "webhook-secret-file": {
    schema: take.text,
    value: "FILE",
    help: "its first line is the secret that signs alerts (or SURETY_WEBHOOK_SECRET)",
  },
  "log-level": { schema: take.oneOf(LEVELS), value: "LEVEL", help: "default info" },
  "print-config": { schema: take.toggle, help: "print what the service would run with, and end" },
  "api-token": {
    schema: take.text,
    value: "TOKEN",
    secret: "all",
    environmentOnly: true,
    help: "the API's token",
  },
  "webhook-secret": {
    schema: take.text,
    value: "SECRET",
    secret: "all",
    environmentOnly: true,
    help: "signs alerts",
  },
  "private-key": {
    schema: take.text,
    value: "KEY",
    secret: "all",
    environmentOnly: true,
    help: "plaintext key; development chains only",
  },
} as const satisfies OptionTable;

type Given = Settings<typeof SERVICE_OPTIONS>;

/** @throws UsageError OPTION_MISSING */
export function required<Values extends object, Name extends keyof Values & string>(
  values: Values,
  name: Name,
): NonNullable<Values[Name]> {
  const value = values[name];
  if (value !== undefined && value !== null) return value;
  throw new UsageError("OPTION_MISSING", `Give --${name} or ${variableOf(name)}.`);
}

/** `{ [key]: value }`, or nothing when the option is not given: its default then holds. */
export function optional<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: Value });
}

/** Of those that have bundles and no account too. */
export const MODEL_OPTIONS = pick([
  "bundles",
  "model",
  "model-source",
  "ipfs-gateway",
  "most-model-mb",
  "model-store-mb",
]);

function pick<const Name extends keyof typeof SERVICE_OPTIONS>(
  names: readonly Name[],
): Pick<typeof SERVICE_OPTIONS, Name> {
  return Object.fromEntries(names.map((name) => [name, SERVICE_OPTIONS[name]])) as Pick<
    typeof SERVICE_OPTIONS,
    Name
  >;
}

const MB = 2 ** 20;

export function modelOptionsOf(given: Settings<typeof MODEL_OPTIONS>): ModelOptions {
  const bytes = (megabytes: number | undefined) => (megabytes === undefined ? undefined : megabytes * MB);
  return {
    bundlesDir: given.bundles ?? DEFAULT_BUNDLES,
    ...optional("models", given.model),
    ...optional("modelSources", given["model-source"]),
    ...optional("ipfsGateway", given["ipfs-gateway"]),
    ...optional("mostModelBytes", bytes(given["most-model-mb"])),
    ...optional("mostStoreBytes", bytes(given["model-store-mb"])),
  };
}

/** @throws UsageError OPTION_MISSING, OPTION_CONFLICT, OPTION_INVALID */
export function serviceOptionsOf(given: Given): ServiceOptions {
  const deployment = readDeployment(required(given, "deployment"));
  const startBlock = given["start-block"];
  const maxFeeGwei = given["max-fee-gwei"];
  const urgentFeeGwei = given["max-fee-urgent-gwei"];
  return {
    rpcUrls: required(given, "rpc-url"),
    addresses: deployment.addresses,
    key: keySourceOf({
      keystore: given.keystore,
      passwordFile: given["password-file"],
      signerUrl: given["signer-url"],
      signerAddress: given["signer-address"],
      keyFile: given["key-file"],
      privateKey: given["private-key"],
    }),
    ...modelOptionsOf(given),
    ...optional("startBlock", startBlock === undefined ? deployment.startBlock : BigInt(startBlock)),
    ...optional("dataDir", given["data-dir"]),
    ...optional("chainId", given["chain-id"]),
    ...optional("host", given.host),
    ...optional("port", given.port),
    ...optional(
      "apiToken",
      readSecret({
        what: "The API's token",
        file: given["api-token-file"],
        fromEnvironment: given["api-token"],
      }),
    ),
    ...optional("webhook", webhookOf(given)),
    ...optional("apiRequestsPerMinute", given["api-requests-per-minute"]),
    ...optional("finalityBlocks", given["finality-blocks"]),
    ...optional("pollMs", given["poll-ms"]),
    ...optional("rpcGiveUpMs", given["rpc-give-up-ms"]),
    ...optional("staleHeadSeconds", given["stale-head-seconds"]),
    ...optional("selfTestSeconds", given["self-test-seconds"]),
    ...optional("maxFeePerGasCapWei", maxFeeGwei === undefined ? undefined : BigInt(maxFeeGwei) * GWEI),
    ...optional(
      "urgentFeePerGasCapWei",
      urgentFeeGwei === undefined ? undefined : BigInt(urgentFeeGwei) * GWEI,
    ),
    ...optional("fetchInputs", given["fetch-inputs"]),
    ...optional("logLevel", given["log-level"]),
  };
}

/** INVARIANT: no alert goes out unsigned. */
function webhookOf(given: Given): Webhook | undefined {
  const { webhook: url } = given;
  if (url === undefined) return undefined;
  const secret = readSecret({
    what: "The webhook's secret",
    file: given["webhook-secret-file"],
    fromEnvironment: given["webhook-secret"],
  });
  if (secret !== undefined) return { url, secret };
  throw new UsageError(
    "OPTION_MISSING",
    "Alerts are signed: give --webhook-secret-file or SURETY_WEBHOOK_SECRET.",
  );
}
