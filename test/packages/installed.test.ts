import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = path.join(import.meta.dirname, "../..");
const WORKSPACES: readonly string[] = JSON.parse(
  readFileSync(path.join(ROOT, "package.json"), "utf8"),
).workspaces;
const FIXTURES = path.join(ROOT, "fixtures/mnist");

const scratch = mkdtempSync(path.join(tmpdir(), "surety-packages-"));
const tarballs = path.join(scratch, "tarballs");
const project = path.join(scratch, "project");

function run(command: string, args: readonly string[], cwd: string) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0)
    throw new Error(
      `${command} ${args.join(" ")} ended with ${status}: ${stderr.slice(-2_000)}${stdout.slice(-2_000)}`,
    );
  return stdout;
}

/** The command as an operator has it after `npm i -g`: the installed package's own file, nothing of this checkout. */
const surety = (...args: string[]) => run(path.join(project, "node_modules/.bin/surety"), args, project);

beforeAll(() => {
  run("mkdir", [tarballs, project], scratch);
  run("npm", ["pack", "--workspaces", "--pack-destination", tarballs, "--loglevel=error"], ROOT);
  writeFileSync(
    path.join(project, "package.json"),
    JSON.stringify({ name: "user", private: true, type: "module" }),
  );
  // onnxruntime-node would otherwise fetch CUDA libraries from outside the registry.
  writeFileSync(path.join(project, ".npmrc"), "onnxruntime-node-install=skip\n");
  const packed = readdirSync(tarballs).map((file) => path.join(tarballs, file));
  run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...packed], project);
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

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
      });
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
