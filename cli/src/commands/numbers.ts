import { existsSync } from "node:fs";
import { UsageError } from "@surety/protocol";
import { addressOf as addressOfKeystore, readKeystore } from "@surety/service/keys";
import { InvalidArgumentError } from "commander";
import { type Address, getAddress, isAddress, parseEther } from "viem";

/** Reads an option that counts or numbers something. */
export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new InvalidArgumentError("Give a whole number.");
  return Number(text);
}

/** Reads an amount of ether, as wei. */
export function ether(text: string): bigint {
  if (!/^\d+(\.\d{1,18})?$/.test(text) || parseEther(text) === 0n)
    throw new InvalidArgumentError("Give an amount of ether, such as 1.5.");
  return parseEther(text);
}

/**
 * Reads an account: an address, or the file of its encrypted key, which says it.
 *
 * @throws UsageError OPTION_INVALID
 */
export function addressOf(text: string): Address {
  if (isAddress(text)) return getAddress(text);
  const said = existsSync(text) ? addressOfKeystore(readKeystore(text)) : undefined;
  if (said !== undefined) return said;
  throw new UsageError(
    "OPTION_INVALID",
    `${text} is no address (0x and 40 hexadecimal digits) and no keystore that says one.`,
  );
}
