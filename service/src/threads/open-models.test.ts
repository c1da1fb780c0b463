import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bundle, compileModel, modelInputs, readInputs, writeBundle } from "@surety/engine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckedModels } from "./checked-models.ts";
import { createOpenModels } from "./open-models.ts";

const fixtures = join(import.meta.dirname, "../../../fixtures/mnist");
let folder: string;
let bundle: Bundle;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "surety-"));
  const model = readFileSync(join(fixtures, "mnist-8.onnx"));
  const inputs = modelInputs(model);
  const calibration = readInputs(join(fixtures, "train-1000-images-idx3-ubyte.gz"), inputs).slice(0, 20);
  bundle = await compileModel({ model, calibration });
  writeBundle(bundle, join(folder, "right"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("createOpenModels", () => {
  it("opens a model whose kernels, golden vector and program are right, and refuses one whose bytes were changed", async () => {
    const open = createOpenModels();
    const session = await open(join(folder, "right"));
    expect(session.bundle.modelId).toBe(bundle.modelId);
    await session.release();

    cpSync(join(folder, "right"), join(folder, "changed"), { recursive: true });
    const manifest = JSON.parse(readFileSync(join(folder, "changed/manifest.json"), "utf8"));
    manifest.golden[0].outputs = "00";
    writeFileSync(join(folder, "changed/manifest.json"), JSON.stringify(manifest));
    await expect(open(join(folder, "changed"))).rejects.toMatchObject({ code: "BUNDLE_CHANGED" });
  });
});

describe("openCheckedModels", () => {
  it("remembers a bundle over a restart, no other manifest of the same model, and nothing without a directory", () => {
    const directory = join(folder, "checked/models");
    const other = { ...bundle, manifest: { ...bundle.manifest, sha256: "other" } };
    expect(openCheckedModels(directory).has(bundle)).toBe(false);
    openCheckedModels(directory).add(bundle);
    expect([bundle, other].map(openCheckedModels(directory).has)).toEqual([true, false]);
    openCheckedModels(undefined).add(other);
    expect(openCheckedModels(undefined).has(other)).toBe(false);
  });
});
