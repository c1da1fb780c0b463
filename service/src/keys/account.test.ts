import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTransactionManager, openChain } from "@surety/chain";
import { devAccount, devPrivateKey, startAnvil } from "@surety/chain/testing";
import { parseEther } from "viem";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { startSigner } from "../testing/start-signer.ts";
import { type KeySource, keySourceOf, loadAccount } from "./account.ts";
import { encryptKey } from "./keystore.ts";
import { writeKeystore } from "./keystore-files.ts";

const folder = mkdtempSync(join(tmpdir(), "surety-account-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const MAINNET = 1;

describe("loadAccount", () => {
  it("takes a plaintext key from a file or the environment, on a development chain only", async () => {
    const path = file("key", `${devPrivateKey(3)}\n`);
    expect((await loadAccount({ kind: "file", path }, 31337)).address).toBe(devAccount(3).address);
    const source = { kind: "environment", value: devPrivateKey(4) } as const;
    expect((await loadAccount(source, 1337)).address).toBe(devAccount(4).address);
    for (const plaintext of [source, { kind: "file", path } as const]) {
      await expect(loadAccount(plaintext, MAINNET)).rejects.toMatchObject({
        code: "PLAINTEXT_KEY_REFUSED",
        message: expect.stringContaining("this is chain 1"),
      });
    }
  });

  it("says where a wrong key stands, and never shows it", async () => {
    const bad = { kind: "environment", value: `${devPrivateKey(4)}ff` } as const;
    await expect(loadAccount(bad, 31337)).rejects.toThrow(/SURETY_PRIVATE_KEY does not hold/);
    await expect(loadAccount(bad, 31337)).rejects.not.toThrow(new RegExp(devPrivateKey(4).slice(2, 12)));
    await expect(loadAccount({ kind: "file", path: join(folder, "none") }, 31337)).rejects.toThrow(
      /cannot be read/,
    );
  });

  it("opens a keystore on any chain by a password file or by asking", async () => {
    const path = writeKeystore(
      join(folder, "k.json"),
      await encryptKey(devPrivateKey(5), "secret word", 1_024),
    );
    const { address } = devAccount(5);
    const passwordFile = file("password", "secret word\nnot this line\n");
    expect((await loadAccount({ kind: "keystore", path, passwordFile }, MAINNET)).address).toBe(address);
    const asked: string[] = [];
    const ask = async (question: string) => {
      asked.push(question);
      return "secret word";
    };
    expect((await loadAccount({ kind: "keystore", path }, MAINNET, ask)).address).toBe(address);
    expect(asked).toEqual([`Password of ${address}`]);
  });

  it("names what keeps a keystore shut, and shows no password", async () => {
    const path = writeKeystore(join(folder, "shut.json"), await encryptKey(devPrivateKey(5), "right", 1_024));
    const codeOf = (source: KeySource) =>
      loadAccount(source, MAINNET).then(
        () => [],
        (error) => [error.code, error.message],
      );
    const wrong = await codeOf({ kind: "keystore", path, passwordFile: file("wrong", "hunter2") });
    expect(wrong).toEqual(["PASSWORD_WRONG", expect.not.stringContaining("hunter2")]);
    expect((await codeOf({ kind: "keystore", path }))[0]).toBe("PASSWORD_MISSING");
    expect((await codeOf({ kind: "keystore", path, passwordFile: file("empty", "\n") }))[0]).toBe(
      "PASSWORD_MISSING",
    );
    expect((await codeOf({ kind: "keystore", path, passwordFile: folder }))[0]).toBe("PASSWORD_UNREADABLE");
    expect((await codeOf({ kind: "keystore", path: join(folder, "none") }))[0]).toBe("KEYSTORE_UNREADABLE");
  });
});

describe("a remote signer", () => {
  const { address } = devAccount(6);

  it("signs the transactions of an account on a real chain", async () => {
    const anvil = await startAnvil();
    onTestFinished(() => anvil.stop());
    const signer = await startSigner(devPrivateKey(6));
    onTestFinished(() => signer.stop());
    const chain = await openChain({ rpcUrl: anvil.url, pollMs: 20 });
    const account = await loadAccount({ kind: "signer", url: signer.url, address }, chain.chainId);
    const transactions = createTransactionManager({ chain, account });
    const to = devAccount(7).address;
    const before = await chain.client.getBalance({ address: to });
    const call = { what: "test", to, data: "0x", valueWei: parseEther("1") } as const;
    const receipts = await Promise.all([transactions.send(call), transactions.send(call)]);
    expect(receipts.map(({ status, from }) => [status, from])).toEqual([
      ["success", address.toLowerCase()],
      ["success", address.toLowerCase()],
    ]);
    expect(await chain.client.getBalance({ address: to })).toBe(before + parseEther("2"));
    await signer.stop();
    await expect(transactions.send(call)).rejects.toMatchObject({ code: "SIGNER_UNREACHABLE" });
  });

  it("is refused when it has no key of the account, or changes what it signs", async () => {
    const transaction = {
      type: "eip1559",
      ...{ chainId: 31337, nonce: 0, gas: 21_000n, to: devAccount(7).address },
      ...{ value: 5n, maxFeePerGas: 9n, maxPriorityFeePerGas: 1n },
    } as const;
    const open = async (environment: Record<string, string>) => {
      const signer = await startSigner(devPrivateKey(6), environment);
      onTestFinished(() => signer.stop());
      return signer.url;
    };
    const honest = await open({});
    const other = devAccount(1).address;
    await expect(loadAccount({ kind: "signer", url: honest, address: other }, 1)).rejects.toMatchObject({
      code: "SIGNER_WITHOUT_KEY",
    });
    const good = await loadAccount({ kind: "signer", url: honest, address }, 31337);
    expect(await good.signTransaction(transaction)).toBe(await devAccount(6).signTransaction(transaction));
    await expect(good.signMessage({ message: "hello" })).rejects.toMatchObject({ code: "SIGNER_REFUSED" });
    for (const environment of [{ SIGNER_LIES: "value" }, { SIGNER_CHAIN_ID: "1" }]) {
      const account = await loadAccount({ kind: "signer", url: await open(environment), address }, 31337);
      await expect(account.signTransaction(transaction)).rejects.toMatchObject({
        code: "SIGNER_WRONG",
        message: expect.stringContaining("another transaction"),
      });
    }
  });
});

describe("keySourceOf", () => {
  it("takes one source, by name before the environment's", () => {
    expect(keySourceOf({ keystore: "k", passwordFile: "p", privateKey: "0x1" })).toEqual({
      ...{ kind: "keystore", path: "k", passwordFile: "p" },
    });
    expect(keySourceOf({ signerUrl: "http://s", signerAddress: "0x1" })).toMatchObject({ kind: "signer" });
    expect(keySourceOf({ privateKey: "0x1" })).toEqual({ kind: "environment", value: "0x1" });
    expect(() => keySourceOf({})).toThrow(/Give --keystore or --signer-url/);
    expect(() => keySourceOf({ signerUrl: "http://s" })).toThrow(/--signer-address/);
    expect(() => keySourceOf({ keystore: "k", keyFile: "f" })).toThrow(
      expect.objectContaining({ code: "OPTION_CONFLICT" }),
    );
  });
});
