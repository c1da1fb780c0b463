import { readFileSync } from "node:fs";
import { isDevnet } from "@surety/chain";
import { FatalError } from "@surety/protocol";
import type { Hex, LocalAccount } from "viem";
import { privateKeyToAccount } from "viem/accounts";

/** Where the private key comes from: never an argument, which every process on the machine can read. */
export type KeySource =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "environment"; readonly value: string };

/**
 * The account of a plaintext key, on a devnet only.
 *
 * @throws FatalError PLAINTEXT_KEY_REFUSED, KEY_UNREADABLE, KEY_MALFORMED
 */
export function loadAccount(source: KeySource, chainId: number): LocalAccount {
  if (!isDevnet(chainId)) {
    throw new FatalError(
      "PLAINTEXT_KEY_REFUSED",
      `A plaintext key is for devnets; this is chain ${chainId}, where the key may be worth something.`,
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
    throw new FatalError(
      "KEY_UNREADABLE",
      `The key file ${path} cannot be read: ${(cause as Error).message}.`,
      { cause },
    );
  }
}
