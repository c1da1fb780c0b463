import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { devAccount, devPrivateKey } from "@surety/chain/testing";
import { afterAll, describe, expect, it } from "vitest";
import { addressOf, decryptKey, encryptKey, parseKeystore, SCRYPT_N } from "./keystore.ts";
import { keystoreName, listKeystores, readKeystore, writeKeystore } from "./keystore-files.ts";

const folder = mkdtempSync(join(tmpdir(), "surety-keystore-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The two test vectors of the Web3 Secret Storage Definition. */
const SECRET = "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";
const cipher = { cipher: "aes-128-ctr" };
const VECTORS = {
  scrypt: {
    crypto: {
      ...cipher,
      cipherparams: { iv: "83dbcc02d8ccb40e466191a123791e0e" },
      ciphertext: "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
      kdf: "scrypt",
      kdfparams: {
        ...{ dklen: 32, n: 262144, r: 1, p: 8 },
        salt: "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19",
      },
      mac: "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097",
    },
    id: "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    version: 3,
  },
  pbkdf2: {
    crypto: {
      ...cipher,
      cipherparams: { iv: "6087dab2f9fdbbfaddc31a909735c1e6" },
      ciphertext: "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
      kdf: "pbkdf2",
      kdfparams: {
        ...{ c: 262144, dklen: 32, prf: "hmac-sha256" },
        salt: "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
      },
      mac: "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
    },
    id: "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    version: 3,
  },
};

describe("a keystore", () => {
  it.each(Object.entries(VECTORS))("opens the published vector of %s", async (_, vector) => {
    const keystore = parseKeystore(JSON.stringify(vector), "vector");
    expect(await decryptKey(keystore, "testpassword", "vector")).toBe(SECRET);
    await expect(decryptKey(keystore, "testpassworD", "vector")).rejects.toMatchObject({
      code: "PASSWORD_WRONG",
    });
  });

  it("gives a key back by its password alone, and costs geth's standard to open", async () => {
    const keystore = await encryptKey(devPrivateKey(3), "open sesame é");
    expect(keystore.crypto.kdfparams).toMatchObject({ n: SCRYPT_N, r: 8, p: 1 });
    expect(addressOf(keystore)).toBe(devAccount(3).address);
    const again = parseKeystore(JSON.stringify(keystore), "copy");
    expect(await decryptKey(again, "open sesame é", "copy")).toBe(devPrivateKey(3));
    expect(JSON.stringify(keystore)).not.toContain(devPrivateKey(3).slice(2));
  });

  it("refuses bytes that were changed, another address, and work without end", async () => {
    const keystore = await encryptKey(devPrivateKey(3), "p", 1_024);
    const open = (changed: object, password = "p") =>
      decryptKey(parseKeystore(JSON.stringify({ ...keystore, ...changed }), "k.json"), password, "k.json");
    const { ciphertext } = keystore.crypto;
    const flipped = `${ciphertext.startsWith("0") ? "1" : "0"}${ciphertext.slice(1)}`;
    await expect(open({ crypto: { ...keystore.crypto, ciphertext: flipped } })).rejects.toThrow(/password/);
    await expect(open({ address: "11".repeat(20) })).rejects.toThrow(/another key than that of its address/);
    const kdfparams = { ...keystore.crypto.kdfparams, n: 2 ** 30 };
    await expect(open({ crypto: { ...keystore.crypto, kdfparams } })).rejects.toThrow(/cannot be run/);
  });

  it.each([
    ["{", /it is not JSON/],
    ["{}", /version/],
    [JSON.stringify({ ...VECTORS.scrypt, version: 4 }), /version/],
    [
      JSON.stringify({ ...VECTORS.scrypt, crypto: { ...VECTORS.scrypt.crypto, kdf: "argon2" } }),
      /crypto\.kdf/,
    ],
  ])("says what is wrong with %s", (text, why) => {
    expect(() => parseKeystore(text, "k.json")).toThrow(
      expect.objectContaining({ code: "KEYSTORE_MALFORMED" }),
    );
    expect(() => parseKeystore(text, "k.json")).toThrow(why);
  });

  it("is a file for its owner alone, is never written over, and is found in its folder", async () => {
    const keystore = await encryptKey(devPrivateKey(4), "p", 1_024);
    const { address } = devAccount(4);
    const path = writeKeystore(join(folder, "keys", keystoreName(address)), keystore);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "keys")).mode & 0o777).toBe(0o700);
    const before = readFileSync(path, "utf8");
    expect(() => writeKeystore(path, keystore)).toThrow(expect.objectContaining({ code: "FILE_EXISTS" }));
    expect(readFileSync(path, "utf8")).toBe(before);
    writeFileSync(join(folder, "keys", "notes.txt"), "no key");
    expect(readKeystore(path)).toEqual(keystore);
    expect(listKeystores(join(folder, "keys"))).toEqual([{ path, address }]);
    expect(readdirSync(join(folder, "keys"))).toHaveLength(2);
    expect(() => listKeystores(join(folder, "none"))).toThrow(/cannot be read/);
  });
});
