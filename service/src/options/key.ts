import { readFileSync } from "node:fs";
import { isDevnet } from "@surety/chain";
import { FatalError, UsageError } from "@surety/protocol";
import type { Hex, LocalAccount } from "viem";
import { privateKeyToAccount } from "viem/accounts";

/** Where the private key comes from: never an argument, which every process on the machine can read. */
export type KeySource =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "environment"; readonly value: string };

/** @throws UsageError OPTION_MISSING */
export function readKeySource(keyFile: string | undefined, fromEnvironment: string | undefined): KeySource {
  if (keyFile !== undefined) return { kind: "file", path: keyFile };
  if (fromEnvironment !== undefined) return { kind: "environment", value: fromEnvironment };
  throw new UsageError(
    "OPTION_MISSING",
    "Give --key-file, or the key itself as SURETY_PRIVATE_KEY in the environment.",
  );
}

/**
 * The account of a plaintext key, on a development chain only. The key is in no message.
 *
 * @throws FatalError PLAINTEXT_KEY_REFUSED, KEY_UNREADABLE, KEY_MALFORMED
 */
export function loadAccount(source: KeySource, chainId: number): LocalAccount {
  if (!isDevnet(chainId)) {
    throw new FatalError(
      "PLAINTEXT_KEY_REFUSED",
      `A plaintext key is for development chains; this is chain ${chainId}, where the key may be worth something.`,
    );
  }
  const key = (source.kind === "file" ? readKeyFile(source.path) : source.value).trim();
  if (!/^(0x)?[0-9a-fA-F]{64}$/.test(key)) {
    const where = source.kind === "file" ? source.path : "SURETY_PRIVATE_KEY";
    throw new FatalError("KEY_MALFORMED", `${where} does not hold a private key of 64 hexadecimal digits.`);
  }
  return privateKeyToAccount((key.startsWith("0x") ? key : `0x${key}`) as Hex);
}

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const why = (cause as Error).message;
    throw new FatalError("KEY_UNREADABLE", `The key file ${path} cannot be read: ${why}.`, { cause });
  }
}
