import type { SuretyAddresses } from "@surety/chain";
import type { FaultOptions } from "../testing/fault-plan.ts";
import type { KeySource } from "./key.ts";

/** Everything an oracle node is started with. */
export interface OracleNodeOptions {
  /** JSON-RPC endpoint of the chain. */
  readonly rpcUrl: string;
  readonly addresses: SuretyAddresses;
  /** Where the operator's private key is; plaintext, so only for development chains. */
  readonly key: KeySource;
  /** Directory of compiled models to serve: a bundle, or one bundle in each subdirectory. */
  readonly bundlesDir: string;
  /** Directory of the store and of the embedded queue; one node each. Default: `.surety/oracle-node`. */
  readonly dataDir?: string;
  /** Refused when the RPC serves another chain. Default: whatever it serves. */
  readonly chainId?: number;
  /** `embedded` or `redis://...`. Default: `embedded`. */
  readonly queueUrl?: string;
  /** Interface of the API. Default: `127.0.0.1`. */
  readonly host?: string;
  /** Port of the API; 0 takes a free one. Default: 9464. */
  readonly port?: number;
  /** First block whose events are wanted, when the store is empty. Default: 0. */
  readonly startBlock?: bigint;
  /** A block this deep is final. Default: 64. */
  readonly finalityBlocks?: number;
  /** Milliseconds between looks at the chain. Default: 500. */
  readonly pollMs?: number;
  /** Milliseconds that the RPC may be down before the node gives up. Default: 30,000. */
  readonly rpcGiveUpMs?: number;
  /** Never pay more wei per gas. Default: 500 gwei. */
  readonly maxFeePerGasCapWei?: bigint;
  /** pino's level. Default: `info`. */
  readonly logLevel?: string;
  /** Lie, on a devnet. Default: be honest. */
  readonly fault?: FaultOptions;
}
