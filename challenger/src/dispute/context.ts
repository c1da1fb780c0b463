import type { Chain, SuretyAddresses, TransactionManager } from "@surety/chain";
import type { BundleDirectory } from "@surety/service";
import type { Address } from "viem";
import type { Store } from "../store/store.ts";
import type { ChallengerThread } from "../verify/task.ts";
import type { Reserve } from "./reserve.ts";

/** What opening and playing games needs of the rest of the service. */
export interface DisputeContext {
  readonly chain: Chain;
  readonly addresses: SuretyAddresses;
  readonly account: Address;
  readonly send: TransactionManager["send"];
  readonly store: Store;
  readonly bundles: BundleDirectory;
  readonly thread: ChallengerThread;
  readonly reserve: Reserve;
  /** Reckon and simulate, send nothing. */
  readonly dryRun: boolean;
}
