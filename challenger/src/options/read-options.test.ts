import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { CHALLENGER_PROGRAM } from "./read-options.ts";

const folder = mkdtempSync(join(tmpdir(), "surety-options-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const address = `0x${"1".repeat(40)}`;
const deployment = join(folder, "deployment.json");
writeFileSync(
  deployment,
  JSON.stringify({ registry: address, operators: address, oracle: address, game: address, startBlock: 7 }),
);
const args = ["--rpc-url", "http://127.0.0.1:8545", "--deployment", deployment, "--bundles", folder];
const env = { SURETY_PRIVATE_KEY: `0x${"2".repeat(64)}` };

const { readOptions } = CHALLENGER_PROGRAM;

describe("readOptions", () => {
  it("has the options of every service, and watches only when told to by a flag or the environment", () => {
    const plain = readOptions([...args, "--port", "2"], { ...env, SURETY_PORT: "1" });
    expect(plain).toMatchObject({ port: 2, startBlock: 7n, watchOnly: false, bundlesDir: folder });
    expect(readOptions([...args, "--watch-only"], env)).toMatchObject({ watchOnly: true });
    expect(readOptions(args, { ...env, SURETY_WATCH_ONLY: "1" })).toMatchObject({ watchOnly: true });
    expect(readOptions(args, { ...env, SURETY_WATCH_ONLY: "0" })).toMatchObject({ watchOnly: false });
  });

  it("knows no flag of the oracle node, and has help", () => {
    expect(() => readOptions([...args, "--fault", "output"], env)).toThrow(/--fault/);
    const { text } = readOptions(["--help"], {}) as { text: string };
    expect(text).toMatch(/^Usage: surety challenger start --rpc-url URL/);
    expect(text).toContain("default 9465");
  });
});
