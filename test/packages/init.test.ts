import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, inject, it } from "vitest";
import { installPacked, offline, run } from "./support/pack.ts";

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

/** What a contract and its test do not need: the command and the services, which the quick start's project installs. */
const BESIDE_CONTRACTS = /surety[/-](cli|engine|service|oracle-node|challenger|explorer)/;

describe("a consumer project made by surety init", () => {
  it(`passes its own test with Foundry, ${where}`, () => {
    const output = run(npm, npmTest, newProject("with-foundry", ["--foundry"], BESIDE_CONTRACTS));
    expect(output).toMatch(/3 passed; 0 failed; 0 skipped/);
  }, 900_000);
});
