import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type OptionTable, take } from "./option.ts";
import { printSettings } from "./print-settings.ts";
import { type Environment, readSettings } from "./read-settings.ts";

const folder = mkdtempSync(join(tmpdir(), "surety-settings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TABLE = {
  "rpc-url": { schema: take.urls, value: "URL", repeats: true, secret: "url", help: "where" },
  port: { schema: take.wholeNumber, value: "N", help: "which" },
  share: { schema: take.share, value: "N", help: "how much" },
  quiet: { schema: take.toggle, help: "no noise" },
  level: { schema: take.oneOf(["low", "high"]), value: "L", help: "how" },
  token: { schema: take.text, value: "T", secret: "all", environmentOnly: true, help: "secret" },
} as const satisfies OptionTable;

function toml(text: string): string {
  const path = join(folder, `${Math.random()}.toml`);
  writeFileSync(path, text);
  return path;
}

function read(args: readonly string[], env: Environment = {}, shared: readonly string[] = []) {
  const settings = readSettings({ table: TABLE, section: "node", args, env }, shared);
  if (settings === "help") throw new Error("help");
  return settings;
}

describe("readSettings", () => {
  it("takes a flag before the environment, and that before the file; the program's own table before the top", () => {
    const path = toml(
      'port = 1\nquiet = true\nlevel = "low"\n[node]\nlevel = "high"\nshare = 0.5\n[challenger]\nport = 9\n',
    );
    const file = ["--config", path];
    expect(read(file).values).toEqual({ port: 1, quiet: true, level: "high", share: 0.5 });
    expect(read(file, { SURETY_PORT: "2", SURETY_QUIET: "0" }).values).toMatchObject({
      port: 2,
      quiet: false,
    });
    const all = read([...file, "--port", "3"], { SURETY_PORT: "2" });
    expect(all.values).toMatchObject({ port: 3 });
    expect(all.sources).toMatchObject({ port: "--port", level: `level in ${path}` });
    expect(read([], { SURETY_CONFIG: path }).values).toMatchObject({ port: 1 });
  });

  it("reads lists from repeated flags, from commas, and from a file", () => {
    const urls = ["http://a", "https://b/key"];
    expect(read(["--rpc-url", "http://a", "--rpc-url", "https://b/key"]).values["rpc-url"]).toEqual(urls);
    expect(read(["--rpc-url", "http://a,https://b/key"]).values["rpc-url"]).toEqual(urls);
    expect(read([], { SURETY_RPC_URL: "http://a,https://b/key" }).values["rpc-url"]).toEqual(urls);
    const file = toml('rpc-url = ["http://a", "https://b/key"]');
    expect(read(["--config", file]).values["rpc-url"]).toEqual(urls);
  });

  it("refuses by name what it does not know, wherever it stands", () => {
    expect(() => read(["--prot", "1"])).toThrow(/--prot/);
    expect(() => read([], { SURETY_PROT: "1" })).toThrow("SURETY_PROT in the environment is no option");
    expect(() => read(["--config", toml("prot = 1")])).toThrow(/"prot" in .* is no option/);
    expect(() => read(["--config", toml("[node]\nprot = 1")])).toThrow(
      /"prot" in .* under \[node\] is no option/,
    );
    expect(() => read(["--config", toml("[nodes]\nport = 1")])).toThrow(/"nodes" in/);
    // Of other programs that share the environment, and of tests.
    expect(read([], { SURETY_QUEUE: "x", SURETY_FUZZ_SEED: "1", OTHER: "y" }, ["queue"]).values).toEqual({});
    expect(read(["--config", toml('queue = "x"')], {}, ["queue"]).values).toEqual({});
    expect(() => read(["--config", toml('[node]\nqueue = "x"')], {}, ["queue"])).toThrow(/"queue" in/);
  });

  it("takes a secret from the environment alone", () => {
    expect(read([], { SURETY_TOKEN: "hush" }).values.token).toBe("hush");
    expect(() => read(["--token", "hush"])).toThrow(/--token/);
    expect(() => read(["--config", toml('token = "hush"')])).toThrow(
      /is a secret: give it as SURETY_TOKEN only/,
    );
  });

  it.each([
    [["--port", "http"], {}, '--port "http" is not a whole number.'],
    [["--port", "-1"], {}, "--port"],
    [[], { SURETY_PORT: "1.5" }, 'SURETY_PORT "1.5" is not a whole number.'],
    [[], { SURETY_QUIET: "yes" }, 'SURETY_QUIET "yes" is not true or false.'],
    [["--level", "mid"], {}, '--level "mid" is not one of low, high.'],
    [["--share", "2"], {}, '--share "2" is not a number from 0 to 1.'],
    // What may be a secret is not shown.
    [["--rpc-url", "ws://key"], {}, "--rpc-url is not a list of http:// or https:// URLs."],
  ])("says what is wrong with %j %j", (args, env, message) => {
    expect(() => read(args, env)).toThrow(message);
  });

  it("says what is wrong with a file", () => {
    expect(() => read(["--config", join(folder, "none.toml")])).toThrow(
      expect.objectContaining({ code: "CONFIG_UNREADABLE" }),
    );
    expect(() => read(["--config", toml("port = ")])).toThrow(/cannot be read: Invalid TOML/);
    expect(() => read(["--config", toml("node = 1")])).toThrow(/must be a table/);
    expect(() => read(["--config", toml("port = true")])).toThrow(/port in .* true is not a whole number/);
  });

  it("counts an empty variable as none", () => {
    expect(read([], { SURETY_PORT: "" }).values).toEqual({});
  });
});

describe("printSettings", () => {
  it("shows values with their sources, and no secrets", () => {
    const settings = read(
      ["--rpc-url", "https://u:p@host:1/v3/abc?k=1,http://127.0.0.1:8545", "--port", "5"],
      {
        SURETY_TOKEN: "hush",
      },
    );
    const text = printSettings(TABLE, settings);
    expect(JSON.parse(text)).toEqual({
      "rpc-url": { value: ["https://host:1/[redacted]", "http://127.0.0.1:8545"], from: "--rpc-url" },
      port: { value: 5, from: "--port" },
      token: { value: "[redacted]", from: "SURETY_TOKEN" },
    });
    expect(text).not.toMatch(/hush|abc|k=1|u:p/);
  });
});
