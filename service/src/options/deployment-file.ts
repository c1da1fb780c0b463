import { readFileSync } from "node:fs";
import type { SuretyAddresses } from "@surety/chain";
import { UsageError } from "@surety/protocol";
import { type Address, getAddress, isAddress } from "viem";

export interface DeploymentFile {
  readonly addresses: SuretyAddresses;
  /** First block of the deployment. */
  readonly startBlock?: bigint;
}

/**
 * Reads `{"registry", "operators", "oracle", "game", "attention"?, "startBlock"?}`.
 *
 * @throws UsageError OPTION_INVALID
 */
export function readDeployment(path: string): DeploymentFile {
  let file: Record<string, unknown>;
  try {
    file = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  } catch (cause) {
    throw new UsageError("OPTION_INVALID", `The deployment file ${path} cannot be read as JSON.`, { cause });
  }
  const address = (name: keyof SuretyAddresses): Address => {
    const value = file[name];
    if (typeof value === "string" && isAddress(value)) return getAddress(value);
    throw new UsageError("OPTION_INVALID", `The deployment file ${path} has no address "${name}".`);
  };
  const addresses = {
    registry: address("registry"),
    operators: address("operators"),
    oracle: address("oracle"),
    game: address("game"),
    ...(file.attention === undefined ? {} : { attention: address("attention") }),
  };
  const startBlock = file.startBlock;
  if (startBlock === undefined) return { addresses };
  if (!/^\d{1,15}$/.test(String(startBlock))) {
    throw new UsageError(
      "OPTION_INVALID",
      `The deployment file ${path} has a startBlock that is not a whole number.`,
    );
  }
  return { addresses, startBlock: BigInt(startBlock as number) };
}
