import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadAccount } from "./key.ts";
import { readOptions } from "./read-options.ts";

const folder = mkdtempSync(join(tmpdir(), "surety-options-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const address = `0x${"1".repeat(40)}`;
const deployment = join(folder, "deployment.json");
writeFileSync(
  deployment,
  JSON.stringify({ registry: address, operators: address, oracle: address, game: address, startBlock: 7 }),
);
const KEY = `0x${"2".repeat(64)}`;
const args = ["--rpc-url", "http://127.0.0.1:8545", "--deployment", deployment, "--bundles", folder];

describe("readOptions", () => {
  it("a flag wins over the environment, which wins over the default", () => {
    const env = { SURETY_PRIVATE_KEY: KEY, SURETY_PORT: "1", SURETY_POLL_MS: "9" };
    expect(readOptions([...args, "--port", "2"], env)).toMatchObject({
      port: 2,
      pollMs: 9,
      startBlock: 7n,
      watchOnly: false,
      key: { kind: "environment" },
    });
  });

  it("says in one line what is missing or wrong", () => {
    const env = { SURETY_PRIVATE_KEY: KEY };
    expect(() => readOptions([], env)).toThrow("Give --deployment or SURETY_DEPLOYMENT.");
    expect(() => readOptions(args, {})).toThrow(/--key-file/);
    expect(() => readOptions([...args, "--port", "x"], env)).toThrow('--port "x" is not a whole number.');
    expect(() => readOptions([...args, "--private-key", KEY], env)).toThrow(/Unknown option/);
    expect(() => readOptions([...args, "--log-level", "loud"], env)).toThrow(/none of trace/);
    expect(readOptions(["--help"], {})).toBe("help");
  });
});

describe("loadAccount", () => {
  it("takes a plaintext key on a development chain only, and never shows it", () => {
    expect(loadAccount({ kind: "environment", value: KEY }, 31337).address).toMatch(/^0x/);
    expect(() => loadAccount({ kind: "environment", value: KEY }, 1)).toThrow(/chain 1/);
    const bad = { kind: "environment", value: `${KEY}ff` } as const;
    expect(() => loadAccount(bad, 31337)).toThrow(/SURETY_PRIVATE_KEY does not hold/);
    expect(() => loadAccount(bad, 31337)).not.toThrow(/2222/);
  });
});
