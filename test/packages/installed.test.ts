import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { describe, expect, inject, it } from "vitest";
import { ROOT, run, WORKSPACES } from "./support/pack.ts";

const FIXTURES = path.join(ROOT, "fixtures/mnist");
const project = inject("project");

/** The command as an operator has it after `npm i -g`: the installed package's own file, nothing of this checkout. */
const surety = (...args: string[]) => run(path.join(project, "node_modules/.bin/surety"), args, project);

describe("the packed packages, installed in an empty folder", () => {
  it("are all workspaces, and packing leaves the checkout as it was", () => {
    expect(readdirSync(path.join(project, "node_modules/@surety")).sort()).toEqual([...WORKSPACES].sort());
    for (const workspace of WORKSPACES) {
      const dir = path.join(ROOT, workspace);
      expect(existsSync(path.join(dir, "package.json.kept"))).toBe(false);
      expect(existsSync(path.join(dir, "dist"))).toBe(false);
    }
  });

  it("hold compiled modules, no TypeScript sources and no tests", () => {
    for (const workspace of WORKSPACES) {
      const files = readdirSync(path.join(project, "node_modules/@surety", workspace), {
        recursive: true,
        encoding: "utf8",
      })
        // What surety init writes is a project's source.
        .filter((file) => !file.startsWith("examples"));
      expect(files.filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))).toEqual([]);
      expect(files.filter((file) => file.includes(".test."))).toEqual([]);
    }
  });

  it("compile a model, run it and play a dispute out", () => {
    const bundle = path.join(project, "digits");
    const input = path.join(FIXTURES, "test_data_set_0/input_0.pb");
    const training = path.join(FIXTURES, "train-1000-images-idx3-ubyte.gz");
    surety("model", "compile", path.join(FIXTURES, "mnist-8.onnx"), "--calibrate", training, "--out", bundle);
    expect(JSON.parse(surety("model", "run", bundle, "--input", input, "--json"))).toBeDefined();
    const played = JSON.parse(
      surety("simulate", bundle, "--input", input, "--tamper", "layer=3,element=77", "--json"),
    );
    expect(played).toMatchObject({ winner: "challenger" });
  });

  it("type-check for a user of the TypeScript packages", () => {
    writeFileSync(
      path.join(project, "user.ts"),
      [
        'import { openChain } from "@surety/chain";',
        'import { compileModel, type Bundle } from "@surety/engine";',
        'import { FatalError, suretyOracleAbi } from "@surety/protocol";',
        "export const used: [typeof openChain, typeof compileModel, typeof FatalError, Bundle | undefined] = [openChain, compileModel, FatalError, undefined];",
        "export const wrong: number = suretyOracleAbi;",
      ].join("\n"),
    );
    const tsc = path.join(
      path.dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
      "bin/tsc",
    );
    const flags = [
      "--noEmit",
      "--strict",
      "--target",
      "es2024",
      "--module",
      "nodenext",
      "--types",
      "",
      "--skipLibCheck",
    ];
    const { stdout } = spawnSync(process.execPath, [tsc, ...flags, "user.ts"], {
      cwd: project,
      encoding: "utf8",
    });
    // The one wrong line is found, so types are really there; and nothing else is.
    expect(
      stdout
        .trim()
        .split("\n")
        .filter((line) => line.startsWith("user.ts")),
    ).toEqual([expect.stringMatching(/^user\.ts\(5,14\): error TS2322/)]);
    expect(stdout).not.toMatch(/TS2307|TS7016/);
  });
});
