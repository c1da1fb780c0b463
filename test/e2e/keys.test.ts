import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { devAccount, devPrivateKey } from "@surety/chain/testing";
import { afterAll, describe, expect, it } from "vitest";

const ROOT = path.join(import.meta.dirname, "../..");
const SURETY = path.join(ROOT, "cli/bin/surety.js");
const folder = mkdtempSync(path.join(tmpdir(), "surety-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => path.join(folder, name);
writeFileSync(at("password"), "correct horse\n");
writeFileSync(at("other-password"), "wrong horse\n");
writeFileSync(at("plain"), `${devPrivateKey(7)}\n`);

function surety(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SURETY, ...args], {
    encoding: "utf8",
    cwd: folder,
  });
  return { status, stdout, stderr };
}

/** Each command is a process of its own, and each key costs a scrypt of a second. */
const LONG = 240_000;

describe("surety keys", { timeout: LONG }, () => {
  const dir = at("keys");
  const withPassword = ["--dir", dir, "--password-file", at("password"), "--json"];

  it("creates a keystore, imports a key and a keystore, exports and lists", () => {
    const created = JSON.parse(surety("keys", "create", ...withPassword).stdout);
    expect(statSync(created.path).mode & 0o777).toBe(0o600);
    const imported = JSON.parse(surety("keys", "import", at("plain"), ...withPassword).stdout);
    expect(imported.address).toBe(devAccount(7).address);
    expect(readFileSync(imported.path, "utf8")).not.toContain(devPrivateKey(7).slice(2));
    const again = surety(
      ...["keys", "import", imported.path, "--from-password-file", at("password")],
      ...["--out", at("again.json"), "--password-file", at("other-password")],
    );
    expect(again).toMatchObject({ status: 0, stdout: `${devAccount(7).address}  ${at("again.json")}\n` });
    const exported = [
      "keys",
      "export",
      at("again.json"),
      "--password-file",
      at("other-password"),
      "--out",
      at("out"),
    ];
    expect(surety(...exported).status).toBe(0);
    expect(readFileSync(at("out"), "utf8")).toBe(readFileSync(at("plain"), "utf8"));
    expect(statSync(at("out")).mode & 0o777).toBe(0o600);
    const listed = JSON.parse(surety("keys", "list", dir, "--json").stdout);
    const known = [created, imported].sort((a, b) => (a.path < b.path ? -1 : 1));
    expect(listed).toEqual(known);
    // Nothing is written over.
    expect(surety(...exported)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("error[FILE_EXISTS]"),
    });
  });

  it("says in one line what does not fit, and never a password or a key", () => {
    const { path: keystore } = JSON.parse(surety("keys", "import", at("plain"), ...withPassword).stdout);
    const wrong = surety(
      "keys",
      "export",
      keystore,
      "--password-file",
      at("other-password"),
      "--out",
      at("no"),
    );
    expect(wrong).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringMatching(/^error\[PASSWORD_WRONG\].*\n$/),
    });
    const nobody = surety("keys", "create", "--dir", dir);
    expect(nobody).toMatchObject({ status: 1, stderr: expect.stringContaining("error[PASSWORD_MISSING]") });
    const malformed = surety("keys", "import", at("password"), ...withPassword);
    expect(malformed.stdout).toContain("KEY_MALFORMED");
    expect(JSON.stringify([wrong, nobody, malformed])).not.toMatch(/horse|[0-9a-f]{64}/);
  });

  it("asks at a terminal for a new password twice, shows none of it, and takes only two equal ones", async () => {
    const typed = async (first: string, second: string, out: string) => {
      // script(1) gives the command a terminal of its own.
      const command = `${process.execPath} ${SURETY} keys create --out ${at(out)}`;
      const child = spawn("script", ["-qec", command, "/dev/null"], { cwd: folder });
      const answers = [
        { prompt: "New password", answer: first },
        { prompt: "Once more", answer: second },
      ];
      let shown = "";
      child.stdout.on("data", (chunk) => {
        shown += chunk;
        const [next] = answers;
        if (next === undefined || !shown.includes(next.prompt)) return;
        answers.shift();
        child.stdin.write(`${next.answer}\r`);
      });
      const [status] = await once(child, "close");
      return { status, shown };
    };
    const good = await typed("typed secret", "typed secret", "typed.json");
    expect(good.status, good.shown).toBe(0);
    expect(good.shown).not.toContain("typed secret");
    writeFileSync(at("typed-password"), "typed secret");
    const opened = [
      "keys",
      "export",
      at("typed.json"),
      "--password-file",
      at("typed-password"),
      "--out",
      at("typed"),
    ];
    expect(surety(...opened).status).toBe(0);
    expect((await typed("one", "another", "differs.json")).shown).toContain("error[PASSWORDS_DIFFER]");
  });
});

describe("surety node start, surety challenger start", { timeout: LONG }, () => {
  it("hand their options on, help and configuration file too", () => {
    const node = surety("node", "start", "--help");
    expect(node).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Usage: surety node start/) });
    expect(surety("challenger", "start", "--help").stdout).toMatch(/^Usage: surety challenger start/);
    const address = devAccount(0).address;
    const deployment = { registry: address, operators: address, oracle: address, game: address };
    writeFileSync(at("deployment.json"), JSON.stringify(deployment));
    writeFileSync(
      at("surety.toml"),
      [
        `rpc-url = ["http://127.0.0.1:1", "https://host/v3/secret"]`,
        `deployment = "${at("deployment.json")}"`,
        `bundles = "models"`,
        `keystore = "key.json"`,
        "[node]",
        `queue = "redis://user:hush@host:6379"`,
        "[challenger]",
        "watch-only = true",
      ].join("\n"),
    );
    const config = ["--config", at("surety.toml"), "--print-config", "--port", "7"];
    const printed = surety("node", "start", ...config);
    expect(printed.status, printed.stderr).toBe(0);
    expect(JSON.parse(printed.stdout)).toMatchObject({
      "rpc-url": { value: ["http://127.0.0.1:1", "https://host/[redacted]"] },
      queue: { value: "redis://host:6379/[redacted]" },
      port: { value: 7, from: "--port" },
    });
    expect(printed.stdout).not.toMatch(/hush|secret/);
    expect(JSON.parse(surety("challenger", "start", ...config).stdout)).toMatchObject({
      "watch-only": { value: true },
    });
    writeFileSync(at("surety.toml"), "portt = 1");
    expect(surety("node", "start", ...config)).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^error\[OPTION_UNKNOWN\]: "portt" in/),
    });
  });
});
