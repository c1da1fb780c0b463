import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { devAccount, devPrivateKey } from "@surety/chain/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadAccount } from "./key.ts";
import { readOptions } from "./read-options.ts";

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

describe("readOptions", () => {
  it("takes a flag before the environment, and the deployment's start block unless told otherwise", () => {
    const options = readOptions([...required, "--port", "1"], {
      ...env,
      SURETY_PORT: "2",
      SURETY_POLL_MS: "70",
    });
    expect(options).toMatchObject({ port: 1, pollMs: 70, startBlock: 12n, addresses: { game: address(4) } });
    expect(readOptions([...required, "--start-block", "3"], env)).toMatchObject({ startBlock: 3n });
  });

  it("reads a fault and how often to tell it", () => {
    const fault = (...args: string[]) => readOptions([...required, ...args], env);
    expect(fault("--fault", "layer=2,element=30", "--fault-requests", "1")).toMatchObject({
      fault: { target: { layer: 2, element: 30 }, requests: 1 },
    });
    expect(fault("--fault", "output")).toMatchObject({ fault: { target: "output" } });
    expect(() => fault("--fault", "everything")).toThrow(/layer=I,element=J/);
  });

  it("names what is missing or wrong, and takes no key as an argument", () => {
    expect(() => readOptions([], env)).toThrow(/--deployment or SURETY_DEPLOYMENT/);
    expect(() => readOptions([...required, "--chain-id", "main"], env)).toThrow(/--chain-id "main"/);
    expect(() => readOptions(required, {})).toThrow(/--key-file/);
    expect(() => readOptions([...required, "--private-key", "0x1"], env)).toThrow(/--private-key/);
  });
});

describe("loadAccount", () => {
  it("takes a plaintext key from a file or the environment, on a devnet only", () => {
    const path = join(folder, "key");
    writeFileSync(path, `${devPrivateKey(3)}\n`);
    expect(loadAccount({ kind: "file", path }, 31337).address).toBe(devAccount(3).address);
    const value = devPrivateKey(4);
    expect(loadAccount({ kind: "environment", value }, 1337).address).toBe(devAccount(4).address);
    expect(() => loadAccount({ kind: "environment", value }, 1)).toThrow(/devnets/);
    expect(() => loadAccount({ kind: "environment", value: "0x12" }, 31337)).toThrow(/64 hexadecimal/);
    expect(() => loadAccount({ kind: "file", path: join(folder, "none") }, 31337)).toThrow(/cannot be read/);
  });
});
