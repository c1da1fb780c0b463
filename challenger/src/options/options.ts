import type { SuretyAddresses } from "@surety/chain";
import type { KeySource } from "./key.ts";

/** Everything a challenger is started with. */
export interface ChallengerOptions {
  /** JSON-RPC endpoint of the chain. */
  readonly rpcUrl: string;
  readonly addresses: SuretyAddresses;
  /** Where the challenger's private key is; plaintext, so only for development chains. */
  readonly key: KeySource;
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
  /** Milliseconds that the RPC may be down before the challenger gives up. Default: 30,000. */
  readonly rpcGiveUpMs?: number;
  /** Never pay more wei per gas. Default: 500 gwei. */
  readonly maxFeePerGasCapWei?: bigint;
  /** Verify and report; open nothing, play nothing. Default: false. */
  readonly watchOnly?: boolean;
  /** pino's level. Default: `info`. */
  readonly logLevel?: string;
}
