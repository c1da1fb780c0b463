import { pbkdf2, randomBytes, type ScryptOptions, scrypt } from "node:crypto";
import { promisify } from "node:util";
import { FatalError } from "@surety/protocol";
import * as Keystore from "ox/Keystore";
import { type Address, bytesToHex, getAddress, type Hex, hexToBytes } from "viem";
import { privateKeyToAddress } from "viem/accounts";
import { z } from "zod";

/** scrypt's work: geth's standard, 256 MB and about a second. A guess at the password costs as much. */
export const SCRYPT_N = 262_144;
const SCRYPT = { r: 8, p: 1 };
const KEY_BYTES = 32;
/** The most memory that a file may ask for: 1 GB. */
const MOST_SCRYPT_BYTES = 2 ** 30;
const MOST_PBKDF2_ROUNDS = 10_000_000;

const hex = (bytes?: number) =>
  z
    .string()
    .regex(/^(0x)?([0-9a-fA-F]{2})+$/)
    .transform((text) => text.replace(/^0x/, "").toLowerCase())
    .refine((text) => bytes === undefined || text.length === 2 * bytes);
const count = z.number().int().positive();
const scryptParameters = z.object({ dklen: z.literal(KEY_BYTES), n: count, r: count, p: count, salt: hex() });
const pbkdf2Parameters = z.object({
  dklen: z.literal(KEY_BYTES),
  c: count.max(MOST_PBKDF2_ROUNDS),
  prf: z.literal("hmac-sha256"),
  salt: hex(),
});
const common = {
  cipher: z.literal("aes-128-ctr"),
  ciphertext: hex(KEY_BYTES),
  cipherparams: z.object({ iv: hex(16) }),
  mac: hex(32),
};

/** Version 3 of the "Web3 Secret Storage Definition", as geth and its kin write it. */
const keystoreSchema = z.object({
  version: z.literal(3),
  id: z.string(),
  address: hex(20).optional(),
  crypto: z.discriminatedUnion("kdf", [
    z.object({ ...common, kdf: z.literal("scrypt"), kdfparams: scryptParameters }),
    z.object({ ...common, kdf: z.literal("pbkdf2"), kdfparams: pbkdf2Parameters }),
  ]),
});

/** An encrypted private key. */
export type KeystoreV3 = z.output<typeof keystoreSchema>;

/**
 * Reads a keystore's text.
 *
 * @param where Of the text, for the message.
 * @throws FatalError KEYSTORE_MALFORMED
 */
export function parseKeystore(text: string, where: string): KeystoreV3 {
  const malformed = (why: string, cause?: unknown) =>
    new FatalError("KEYSTORE_MALFORMED", `${where} is no keystore of version 3: ${why}.`, { cause });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw malformed("it is not JSON", cause);
  }
  const parsed = keystoreSchema.safeParse(lowerCaseCrypto(json));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw malformed(`${issue?.path.join(".") || "its top"}: ${issue?.message ?? "not understood"}`);
}

/** Some old wallets write `Crypto`. */
function lowerCaseCrypto(json: unknown): unknown {
  if (typeof json !== "object" || json === null || !("Crypto" in json)) return json;
  const { Crypto: crypto, ...rest } = json;
  return { crypto, ...rest };
}

/** The address a keystore says it is of; it is checked when the key is decrypted. */
export function addressOf(keystore: KeystoreV3): Address | undefined {
  return keystore.address === undefined ? undefined : getAddress(`0x${keystore.address}`);
}

/**
 * Encrypts a private key.
 *
 * @param n scrypt's cost: a power of two; less than the default is for tests.
 */
export async function encryptKey(privateKey: Hex, password: string, n = SCRYPT_N): Promise<KeystoreV3> {
  const salt = randomBytes(32);
  const iv = randomBytes(16);
  const kdfparams = { dklen: KEY_BYTES, n, ...SCRYPT, salt: salt.toString("hex") } as const;
  const key = await deriveKey({ kdf: "scrypt", kdfparams }, password);
  const keystore = Keystore.encrypt(privateKey, key, { kdf: "scrypt", kdfparams, iv });
  const address = privateKeyToAddress(privateKey).slice(2).toLowerCase();
  return keystoreSchema.parse({ ...keystore, address });
}

/**
 * @param where Of the keystore, for the message.
 * @throws FatalError PASSWORD_WRONG, KEYSTORE_MALFORMED
 */
export async function decryptKey(keystore: KeystoreV3, password: string, where: string): Promise<Hex> {
  const { address, ...bare } = keystore;
  const key = isOutsideRfc(keystore.crypto)
    ? Keystore.toKey(bare as Keystore.Keystore, { password })
    : await deriveKey(keystore.crypto, password, where);
  let privateKey: Hex;
  try {
    privateKey = Keystore.decrypt(bare as Keystore.Keystore, key);
  } catch (cause) {
    // Its message authentication code says so: another password, or bytes that were changed.
    throw new FatalError("PASSWORD_WRONG", `The password does not open ${where}.`, { cause });
  }
  if (address !== undefined && privateKeyToAddress(privateKey).slice(2).toLowerCase() !== address) {
    throw new FatalError("KEYSTORE_MALFORMED", `${where} holds another key than that of its address.`);
  }
  return privateKey;
}

/** RFC 7914 wants n < 2^(16 r), and OpenSSL keeps to it; some wallets wrote n = 2^18 with r = 1. ox derives those, slowly and in this thread. */
function isOutsideRfc({ kdf, kdfparams }: KeystoreV3["crypto"]): boolean {
  if (kdf !== "scrypt") return false;
  const { n, r, p } = kdfparams as z.output<typeof scryptParameters>;
  return n >= 2 ** (16 * r) && 128 * n * r * p <= MOST_SCRYPT_BYTES;
}

/** The password's key, by node's own scrypt and PBKDF2: native, and off this thread. */
async function deriveKey(
  { kdf, kdfparams }: Pick<KeystoreV3["crypto"], "kdf" | "kdfparams">,
  password: string,
  where = "the keystore",
): Promise<Hex> {
  const salt = hexToBytes(`0x${kdfparams.salt}`);
  // As it is typed, as geth takes it.
  const secret = Buffer.from(password, "utf8");
  if (kdf === "scrypt") {
    const { n, r, p } = kdfparams as z.output<typeof scryptParameters>;
    if (128 * n * r * p > MOST_SCRYPT_BYTES || (n & (n - 1)) !== 0 || n < 2) {
      throw new FatalError("KEYSTORE_MALFORMED", `${where} asks for a scrypt that cannot be run (n = ${n}).`);
    }
    const options = { N: n, r, p, maxmem: MOST_SCRYPT_BYTES + 2 ** 20 };
    return bytesToHex(await runScrypt(secret, salt, KEY_BYTES, options));
  }
  const { c } = kdfparams as z.output<typeof pbkdf2Parameters>;
  return bytesToHex(await promisify(pbkdf2)(secret, salt, c, KEY_BYTES, "sha256"));
}

const runScrypt = promisify<Buffer, Uint8Array, number, ScryptOptions, Buffer>(scrypt);
