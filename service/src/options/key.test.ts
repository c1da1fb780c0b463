import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { devAccount, devPrivateKey } from "@surety/chain/testing";
import { afterAll, describe, expect, it } from "vitest";
import { loadAccount } from "./key.ts";

const folder = mkdtempSync(join(tmpdir(), "surety-key-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("loadAccount", () => {
  it("takes a plaintext key from a file or the environment, on a development chain only", () => {
    const path = join(folder, "key");
    writeFileSync(path, `${devPrivateKey(3)}\n`);
    expect(loadAccount({ kind: "file", path }, 31337).address).toBe(devAccount(3).address);
    const source = { kind: "environment", value: devPrivateKey(4) } as const;
    expect(loadAccount(source, 1337).address).toBe(devAccount(4).address);
    expect(() => loadAccount(source, 1)).toThrow(/development chains; this is chain 1/);
  });

  it("says where a wrong key stands, and never shows it", () => {
    const bad = { kind: "environment", value: `${devPrivateKey(4)}ff` } as const;
    expect(() => loadAccount(bad, 31337)).toThrow(/SURETY_PRIVATE_KEY does not hold/);
    expect(() => loadAccount(bad, 31337)).not.toThrow(new RegExp(devPrivateKey(4).slice(2, 12)));
    const none = { kind: "file", path: join(folder, "none") } as const;
    expect(() => loadAccount(none, 31337)).toThrow(/cannot be read/);
  });
});
