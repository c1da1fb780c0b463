import { readFileSync } from "node:fs";
import { isDevnet } from "@surety/chain";
import { FatalError, UsageError } from "@surety/protocol";
import type { Address, Hex, LocalAccount } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { addressOf, decryptKey } from "./keystore.ts";
import { readKeystore } from "./keystore-files.ts";
import { type AskPassword, obtainPassword } from "./password.ts";
import { openRemoteSigner } from "./remote-signer.ts";

/** Where the account's key is: never an argument, which every process on the machine can read. */
export type KeySource =
  /** Encrypted. Without a password file a person is asked. */
  | { readonly kind: "keystore"; readonly path: string; readonly passwordFile?: string }
  /** At a signer that speaks Web3Signer's API. */
  | { readonly kind: "signer"; readonly url: string; readonly address: Address }
  /** Plaintext, for development chains. */
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "environment"; readonly value: string };

export interface KeyOptions {
  readonly keystore?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly signerUrl?: string | undefined;
  readonly signerAddress?: Address | undefined;
  readonly keyFile?: string | undefined;
  /** `SURETY_PRIVATE_KEY` */
  readonly privateKey?: string | undefined;
}

/** @throws UsageError OPTION_MISSING when there is none, OPTION_CONFLICT when there are two */
export function keySourceOf(options: KeyOptions): KeySource {
  const { keystore, passwordFile, signerUrl, signerAddress, keyFile, privateKey } = options;
  const given: KeySource[] = [];
  if (keystore !== undefined) {
    given.push({ kind: "keystore", path: keystore, ...(passwordFile === undefined ? {} : { passwordFile }) });
  }
  if (signerUrl !== undefined) {
    if (signerAddress === undefined)
      throw new UsageError("OPTION_MISSING", "Give --signer-address with --signer-url.");
    given.push({ kind: "signer", url: signerUrl, address: signerAddress });
  }
  if (keyFile !== undefined) given.push({ kind: "file", path: keyFile });
  // What a shell has exported yields to what was asked for by name.
  if (given.length === 0 && privateKey !== undefined) given.push({ kind: "environment", value: privateKey });
  const [source, other] = given;
  if (other !== undefined) {
    throw new UsageError("OPTION_CONFLICT", "Give one of --keystore, --signer-url and --key-file, not two.");
  }
  if (source !== undefined) return source;
  throw new UsageError(
    "OPTION_MISSING",
    "Give --keystore or --signer-url; on a development chain also --key-file, or the key itself as SURETY_PRIVATE_KEY in the environment.",
  );
}

/**
 * The account of a key. A plaintext key is taken on a development chain only. No key or password is in any message.
 *
 * @param ask For a keystore's password; undefined where nobody can be asked.
 * @throws FatalError PLAINTEXT_KEY_REFUSED, KEY_UNREADABLE, KEY_MALFORMED, KEYSTORE_UNREADABLE, KEYSTORE_MALFORMED, PASSWORD_WRONG, PASSWORD_UNREADABLE,
 * PASSWORD_MISSING, SIGNER_WITHOUT_KEY; RetryableError SIGNER_UNREACHABLE
 */
export async function loadAccount(
  source: KeySource,
  chainId: number,
  ask?: AskPassword,
): Promise<LocalAccount> {
  switch (source.kind) {
    case "keystore": {
      const keystore = readKeystore(source.path);
      const question = `Password of ${addressOf(keystore) ?? source.path}`;
      const password = await obtainPassword(source.passwordFile, question, ask);
      return privateKeyToAccount(await decryptKey(keystore, password, source.path));
    }
    case "signer":
      return openRemoteSigner(source);
    case "file":
    case "environment":
      return plaintextAccount(source, chainId);
  }
}

function plaintextAccount(
  source: Extract<KeySource, { kind: "file" | "environment" }>,
  chainId: number,
): LocalAccount {
  if (!isDevnet(chainId)) {
    throw new FatalError(
      "PLAINTEXT_KEY_REFUSED",
      `A plaintext key is for development chains; this is chain ${chainId}, where the key may be worth something. Use --keystore (surety keys import) or --signer-url.`,
    );
  }
  const [text, where] =
    source.kind === "file" ? [readKeyFile(source.path), source.path] : [source.value, "SURETY_PRIVATE_KEY"];
  return privateKeyToAccount(parsePrivateKey(text, where));
}

/**
 * @param where Of the text, for the message, which never shows it.
 * @throws FatalError KEY_MALFORMED
 */
export function parsePrivateKey(text: string, where: string): Hex {
  const key = text.trim().replace(/^0x/, "");
  if (/^[0-9a-fA-F]{64}$/.test(key)) return `0x${key}`;
  throw new FatalError("KEY_MALFORMED", `${where} does not hold a private key of 64 hexadecimal digits.`);
}

/** @throws FatalError KEY_UNREADABLE */
export function readKeyFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const why = (cause as Error).message;
    throw new FatalError("KEY_UNREADABLE", `The key file ${path} cannot be read: ${why}.`, { cause });
  }
}
