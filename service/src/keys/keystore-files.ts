import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { FatalError, UsageError } from "@surety/protocol";
import type { Address } from "viem";
import { addressOf, type KeystoreV3, parseKeystore } from "./keystore.ts";

/** Owner alone. */
const MODE = 0o600;

/** A keystore's name in a folder, as geth has it: when it was made, and for whom. */
export function keystoreName(address: Address, madeAt = new Date()): string {
  const time = madeAt.toISOString().replaceAll(":", "-");
  return `UTC--${time}--${address.slice(2).toLowerCase()}.json`;
}

/** @throws FatalError KEYSTORE_UNREADABLE, KEYSTORE_MALFORMED */
export function readKeystore(path: string): KeystoreV3 {
  try {
    return parseKeystore(readFileSync(path, "utf8"), path);
  } catch (cause) {
    if (cause instanceof FatalError) throw cause;
    const why = (cause as Error).message;
    throw new FatalError("KEYSTORE_UNREADABLE", `The keystore ${path} cannot be read: ${why}.`, { cause });
  }
}

/**
 * Writes a secret into a file that did not exist, for its owner alone, down to the disk.
 *
 * @throws UsageError FILE_EXISTS
 */
export function writeSecretFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  let file: number;
  try {
    // `wx`: a key that is there already is never lost.
    file = openSync(path, "wx", MODE);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
    throw new UsageError("FILE_EXISTS", `${path} exists already, and no key is written over another.`, {
      cause,
    });
  }
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** @returns Where it was written: a folder gets geth's name for it. */
export function writeKeystore(path: string, keystore: KeystoreV3): string {
  writeSecretFile(path, `${JSON.stringify(keystore, null, 2)}\n`);
  return path;
}

export interface ListedKey {
  readonly path: string;
  /** Undefined where the file does not say. */
  readonly address: Address | undefined;
}

/**
 * The keystores in a folder, by name; what is none is left out.
 *
 * @throws FatalError KEYSTORE_UNREADABLE
 */
export function listKeystores(folder: string): ListedKey[] {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (cause) {
    const why = (cause as Error).message;
    throw new FatalError("KEYSTORE_UNREADABLE", `The folder ${folder} cannot be read: ${why}.`, { cause });
  }
  return names.flatMap((name) => {
    const path = join(folder, name);
    try {
      return [{ path, address: addressOf(readKeystore(path)) }];
    } catch {
      return [];
    }
  });
}
