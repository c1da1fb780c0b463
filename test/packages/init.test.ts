import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "@surety/chain/testing";
import { afterAll, describe, expect, inject, it } from "vitest";
import { installPacked, run } from "./support/pack.ts";

/** A namespace without network where the system gives one: what runs in it can download nothing. */
const offline = spawnSync("unshare", ["-rn", "true"]).status === 0 ? ["unshare", "-rn"] : [];
const [npm = "", ...npmTest] = [...offline, "npm", "test"];
const where = offline.length > 0 ? "offline" : "with the network there, for unshare cannot take it away";

/**
 * Writes a project with the installed command and installs what it wants.
 *
 * @param without packages of ours that are left out, for the sake of time
 */
function newProject(name: string, flags: readonly string[], without = /^$/): string {
  const dir = path.join(inject("scratch"), name);
  run(path.join(inject("project"), "node_modules/.bin/surety"), ["init", dir, ...flags], inject("scratch"));
  const file = path.join(dir, "package.json");
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  const kept = Object.entries(manifest.devDependencies).filter(([dependency]) => !without.test(dependency));
  writeFileSync(file, JSON.stringify({ ...manifest, devDependencies: Object.fromEntries(kept) }));
  installPacked(
    inject("packed").filter((tarball) => !without.test(path.basename(tarball))),
    dir,
  );
  return dir;
}

/** What a contract and its test do not need: the command and the services, which the other project installs. */
const BESIDE_CONTRACTS = /surety[/-](cli|engine|service|oracle-node|challenger|explorer)/;

describe("a consumer project made by surety init", () => {
  let devnet: ChildProcess | undefined;
  afterAll(() => void devnet?.kill("SIGKILL"));

  it(`passes its own test with Foundry, ${where}`, () => {
    const output = run(npm, npmTest, newProject("with-foundry", ["--foundry"], BESIDE_CONTRACTS));
    expect(output).toMatch(/3 passed; 0 failed; 0 skipped/);
  }, 900_000);

  it(`passes its own test with Hardhat, ${where}, then asks on the devnet that it starts`, async () => {
    const dir = newProject("with-hardhat", []);
    expect(run(npm, npmTest, dir)).toMatch(/3 passing/);
    const surety = path.join(dir, "node_modules/.bin/surety");
    devnet = spawn(surety, ["devnet", "--json", "--port", String(await freePort()), "--explorer-port", "0"], {
      cwd: dir,
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(createInterface({ input: devnet.stdout as NodeJS.ReadableStream }), "line");
    expect(run("npm", ["run", "--silent", "ask"], dir)).toMatch(
      /^DigitConsumer stands at 0x\w{40}\nasked: request 1, \d+ wei\nanswered by 0x\w{40}, .*\nfinal: it is a 1\n$/,
    );
    const exited = once(devnet, "exit");
    devnet.kill("SIGINT");
    expect(await exited).toEqual([0, null]);
  }, 900_000);
});
