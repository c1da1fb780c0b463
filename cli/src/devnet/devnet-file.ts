import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { SuretyAddresses } from "@surety/chain";
import { FatalError, type ModelId } from "@surety/protocol";
import type { Address } from "viem";

/** Where a devnet keeps its files, unless it is told another folder. */
export const DEVNET_DIR = ".surety/devnet";

/** What a running devnet tells whoever works with it; `devnet.json` in its folder. */
export interface DevnetFile {
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly addresses: SuretyAddresses;
  readonly fromBlock: number;
  readonly modelId: ModelId;
  /** The compiled model's folder. */
  readonly bundle: string;
  /** For `--deployment`. */
  readonly deploymentFile: string;
  readonly bundlesDir: string;
  /** The example consumer, a `DigitReader`. */
  readonly reader: Address;
  /** An order for its nodes to lie is written here. */
  readonly faultFile: string;
  /** Base URL of the explorer. */
  readonly explorer: string;
  /** Base URL of every service's API. */
  readonly services: Readonly<Record<string, string>>;
  /** Who is who, by lower-case address. */
  readonly names: Readonly<Record<string, string>>;
  readonly pid: number;
}

const fileOf = (dir: string) => path.join(dir, "devnet.json");

export function writeDevnetFile(dir: string, facts: DevnetFile): void {
  writeFileSync(fileOf(dir), `${JSON.stringify(facts, null, 2)}\n`);
}

/** @throws FatalError NO_DEVNET */
export function readDevnetFile(dir: string): DevnetFile {
  if (!existsSync(fileOf(dir))) {
    throw new FatalError(
      "NO_DEVNET",
      `No devnet runs out of ${path.resolve(dir)}: start one with surety devnet, or name its folder with --dir.`,
    );
  }
  return JSON.parse(readFileSync(fileOf(dir), "utf8"));
}
