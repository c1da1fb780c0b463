import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readDeployment } from "./deployment-file.ts";
import { defineProgram, isText } from "./program.ts";
import { SERVICE_OPTIONS, type ServiceOptions, serviceOptionsOf } from "./service-options.ts";

const folder = mkdtempSync(join(tmpdir(), "surety-options-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const address = (n: number) => `0x${String(n).padStart(40, "0")}`;
const addresses = { registry: address(1), operators: address(2), oracle: address(3), game: address(4) };
function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}
const deployment = file("deployment.json", { ...addresses, startBlock: 12 });
const required = ["--rpc-url", "http://127.0.0.1:8545", "--bundles", "models", "--deployment", deployment];
const KEY = `0x${"2".repeat(64)}`;
const env = { SURETY_PRIVATE_KEY: KEY };

const program = defineProgram({
  usage: "Usage: test",
  table: SERVICE_OPTIONS,
  section: "node",
  toOptions: serviceOptionsOf,
});

function read(args: readonly string[], environment: Record<string, string> = env): ServiceOptions {
  const options = program.readOptions(args, environment);
  if (isText(options)) throw new Error(options.text);
  return options;
}

describe("serviceOptionsOf", () => {
  it("takes a flag before the environment, and the deployment's start block unless told otherwise", () => {
    const options = read([...required, "--port", "1"], { ...env, SURETY_PORT: "2", SURETY_POLL_MS: "70" });
    expect(options).toMatchObject({
      ...{ port: 1, pollMs: 70, startBlock: 12n, bundlesDir: "models", addresses: { game: address(4) } },
      key: { kind: "environment", value: KEY },
    });
    expect(options).not.toHaveProperty("host");
    expect(read([...required, "--start-block", "3"])).toMatchObject({ startBlock: 3n });
    expect(read([...required, "--key-file", "k"])).toMatchObject({ key: { kind: "file", path: "k" } });
    expect(read([...required, "--max-fee-gwei", "7"])).toMatchObject({ maxFeePerGasCapWei: 7_000_000_000n });
    expect(program.readOptions(["--help"], {})).toEqual({ text: "Usage: test" });
  });

  it("prints what it would run with, without the key", () => {
    const printed = program.readOptions([...required, "--print-config"], env);
    if (!isText(printed)) throw new Error("no text");
    expect(JSON.parse(printed.text)).toMatchObject({
      bundles: { value: "models", from: "--bundles" },
      "private-key": { value: "[redacted]", from: "SURETY_PRIVATE_KEY" },
    });
    expect(printed.text).not.toContain(KEY.slice(2));
  });

  it("takes a webhook only with a secret to sign with, and shows neither", () => {
    const url = "https://hooks.example/services/KEY";
    const secret = "a-secret-of-many-characters";
    const hook = [...required, "--webhook", url];
    expect(() => read(hook)).toThrow("Alerts are signed: give --webhook-secret-file");
    expect(() => read(hook, { ...env, SURETY_WEBHOOK_SECRET: "short" })).toThrow(/5 characters; 16 is/);
    expect(() => read([...hook, "--webhook-secret-file", join(folder, "none")])).toThrow(/cannot be read/);
    const fromFile = [...hook, "--webhook-secret-file", file("secret", `${secret}\n`)];
    for (const options of [read(fromFile), read(hook, { ...env, SURETY_WEBHOOK_SECRET: secret })])
      expect(options.webhook).toEqual({ url, secret });
    expect(read(required)).not.toHaveProperty("webhook");
    const printed = program.readOptions([...hook, "--print-config"], {
      ...env,
      SURETY_WEBHOOK_SECRET: secret,
    });
    expect(JSON.stringify(printed)).toContain("hooks.example");
    expect(JSON.stringify(printed)).not.toMatch(/services\/KEY|a-secret/);
  });

  it("names what is missing or wrong in one line, and takes no key as an argument", () => {
    expect(() => read([])).toThrow("Give --deployment or SURETY_DEPLOYMENT.");
    expect(() => read(required, {})).toThrow(/--keystore/);
    expect(() => read([...required, "--chain-id", "main"])).toThrow(
      '--chain-id "main" is not a whole number.',
    );
    expect(() => read([...required, "--rpc-url", "ws://a"])).toThrow(
      /not a list of http:\/\/ or https:\/\/ URLs/,
    );
    expect(() => read([...required, "--log-level", "loud"])).toThrow(/is not one of trace, debug/);
    expect(() => read([...required, "--private-key", KEY])).toThrow(/--private-key/);
  });
});

describe("readDeployment", () => {
  it("refuses what is no JSON, lacks an address or has a start block that is no number", () => {
    expect(readDeployment(file("plain.json", addresses))).toEqual({ addresses });
    expect(() => readDeployment(join(folder, "none.json"))).toThrow(/cannot be read as JSON/);
    expect(() => readDeployment(file("text.json", "{"))).toThrow(/cannot be read as JSON/);
    expect(() => readDeployment(file("half.json", { ...addresses, game: "0x1" }))).toThrow(
      /no address "game"/,
    );
    expect(() => readDeployment(file("start.json", { ...addresses, startBlock: -1 }))).toThrow(/startBlock/);
  });
});
