import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** An empty folder for a test's own. */
    scratch: string;
    /** Every package of the repository, packed. */
    packed: string[];
    /** A project with all of them installed. */
    project: string;
  }
}

export const ROOT = path.join(import.meta.dirname, "../../..");
export const WORKSPACES: readonly string[] = JSON.parse(
  readFileSync(path.join(ROOT, "package.json"), "utf8"),
).workspaces;

/** In front of a command: a namespace without network, where the system gives one. What runs in it can download nothing. */
export const offline = spawnSync("unshare", ["-rn", "true"]).status === 0 ? ["unshare", "-rn"] : [];

/** Runs a command to its end and gives its output; throws with the last of it when it fails. */
export function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0)
    throw new Error(
      `${command} ${args.join(" ")} ended with ${status}: ${stderr.slice(-2_000)}${stdout.slice(-2_000)}`,
    );
  return stdout;
}

/** Installs the packed packages, and whatever a folder's package.json wants besides. */
export function installPacked(packed: readonly string[], cwd: string): void {
  // onnxruntime-node would otherwise fetch CUDA libraries from outside the registry.
  writeFileSync(path.join(cwd, ".npmrc"), "onnxruntime-node-install=skip\\n");
  run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...packed], cwd);
}

/** Packs all packages once for all tests, and installs them in an empty folder. */
export default function packAll({ provide }: TestProject): () => void {
  const scratch = mkdtempSync(path.join(tmpdir(), "surety-packages-"));
  const tarballs = path.join(scratch, "tarballs");
  const project = path.join(scratch, "project");
  run("mkdir", [tarballs, project], scratch);
  run("npm", ["pack", "--workspaces", "--pack-destination", tarballs, "--loglevel=error"], ROOT);
  writeFileSync(
    path.join(project, "package.json"),
    JSON.stringify({ name: "user", private: true, type: "module" }),
  );
  const packed = readdirSync(tarballs).map((file) => path.join(tarballs, file));
  installPacked(packed, project);
  provide("scratch", scratch);
  provide("packed", packed);
  provide("project", project);
  return () => rmSync(scratch, { recursive: true, force: true });
}
