import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { devPrivateKey } from "@surety/chain/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NODE_PROGRAM } from "./read-options.ts";

const folder = mkdtempSync(join(tmpdir(), "surety-options-"));
const deployment = join(folder, "deployment.json");
const address = (n: number) => `0x${String(n).padStart(40, "0")}`;
const required = ["--rpc-url", "http://127.0.0.1:8545", "--bundles", "models", "--deployment", deployment];
const env = { SURETY_PRIVATE_KEY: devPrivateKey(1) };

beforeAll(() => {
  const addresses = { registry: address(1), operators: address(2), oracle: address(3), game: address(4) };
  writeFileSync(deployment, JSON.stringify({ ...addresses, startBlock: 12 }));
});
afterAll(() => rmSync(folder, { recursive: true }));

const { readOptions } = NODE_PROGRAM;

describe("readOptions", () => {
  it("has the options of every service, and its queue", () => {
    const options = readOptions([...required, "--port", "1"], { ...env, SURETY_QUEUE: "redis://host" });
    expect(options).toMatchObject({ port: 1, startBlock: 12n, queueUrl: "redis://host" });
  });

  it("reads a fault and how often to tell it", () => {
    const fault = (...args: string[]) => readOptions([...required, ...args], env);
    expect(fault("--fault", "layer=2,element=30", "--fault-requests", "1")).toMatchObject({
      fault: { target: { layer: 2, element: 30 }, requests: 1 },
    });
    expect(fault("--fault", "output")).toMatchObject({ fault: { target: "output" } });
    expect(() => fault("--fault", "everything")).toThrow(/layer=I,element=J/);
  });

  it("knows no flag of the challenger, and has help", () => {
    expect(() => readOptions([...required, "--watch-only"], env)).toThrow(/--watch-only/);
    const { text } = readOptions(["--help"], {}) as { text: string };
    expect(text).toMatch(/^Usage: surety node start --rpc-url URL/);
    expect(text).toContain("default 9464");
  });
});
