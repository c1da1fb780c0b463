import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ModelHeader, modelIdOf } from "@surety/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bundleDirs, openBundleDirectory } from "./bundle-directory.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "surety-bundles-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const hash = (digit: string) => `0x${digit.repeat(64)}` as const;
function write(name: string, digit: string) {
  const header = {
    profileVersion: 2,
    programRoot: hash(digit),
    weightsRoot: hash(digit),
    graphHash: hash(digit),
    schemaHash: hash(digit),
    instructionCount: 1,
    weightCount: 1,
    inputBytes: [4],
    outputs: [{ instruction: 0, bytes: 4 }],
  } as unknown as ModelHeader;
  mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, name, "manifest.json"), JSON.stringify({ header }));
  return modelIdOf(header);
}

describe("openBundleDirectory", () => {
  it("finds the directory's own bundle and those below it, and a later one after a while", () => {
    let time = 0;
    const [own, below] = [write("", "1"), write("a", "2")];
    mkdirSync(join(root, "no-bundle"));
    mkdirSync(join(root, "broken"));
    writeFileSync(join(root, "broken", "manifest.json"), "{");
    const bundles = openBundleDirectory(root, () => time);
    expect(bundles.all().map(({ modelId }) => modelId)).toEqual([own, below]);
    expect(bundles.find(below)?.dir).toBe(join(root, "a"));
    const later = write("b", "3");
    expect(bundles.find(later)).toBeUndefined();
    time = 5_000;
    expect(bundles.find(later)?.dir).toBe(join(root, "b"));
  });

  it("refuses a directory that is not there at the start, and bears one that goes away later", () => {
    expect(() => bundleDirs(join(root, "none"))).toThrow(/cannot be read/);
    let time = 0;
    const known = write("a", "1");
    const bundles = openBundleDirectory(root, () => time);
    renameSync(root, `${root}-away`);
    time = 5_000;
    expect(bundles.find(hash("9") as never)).toBeUndefined();
    expect(bundles.find(known)).toBeDefined();
    renameSync(`${root}-away`, root);
  });
});
