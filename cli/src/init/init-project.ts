import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { UsageError } from "@surety/protocol";
import { type ExampleManifest, FRAMEWORKS, type Framework, manifestFor } from "./frameworks.ts";

/** Of a checkout; undefined where this package is installed. */
const CHECKOUT = [path.join(import.meta.dirname, "../../..")].find((root) =>
  existsSync(path.join(root, "examples/consumer")),
);
const EXAMPLE = CHECKOUT
  ? path.join(CHECKOUT, "examples/consumer")
  : path.join(import.meta.dirname, "../../examples/consumer");

/** Made by building and installing the example where it stands. */
const BUILT = new Set(["node_modules", "artifacts", "cache", "out", "types", ".surety", "package-lock.json"]);

export interface InitProjectParameters {
  /** Made if it is not there; must be empty. */
  readonly dir: string;
  readonly framework: Framework;
}

/**
 * Writes a consumer project: `examples/consumer` with what one framework needs. From a checkout its packages are linked, else they come from the registry.
 *
 * @returns the files written, relative to `dir`
 * @throws UsageError DIRECTORY_NOT_EMPTY
 */
export function initProject({ dir, framework }: InitProjectParameters): string[] {
  if (existsSync(dir) && readdirSync(dir).some((file) => file !== ".git")) {
    throw new UsageError(
      "DIRECTORY_NOT_EMPTY",
      `${dir} is not empty. Name a folder that is new or empty: surety init my-consumer.`,
    );
  }
  mkdirSync(dir, { recursive: true });
  const leftOut = new Set<string>([...BUILT, ...FRAMEWORKS[framework].leavesOut, "package.json"]);
  cpSync(EXAMPLE, dir, {
    recursive: true,
    filter: (file) => !leftOut.has(path.relative(EXAMPLE, file)),
  });
  const example: ExampleManifest = JSON.parse(readFileSync(path.join(EXAMPLE, "package.json"), "utf8"));
  const source = (name: string) =>
    CHECKOUT && name.startsWith("@surety/") ? path.join(CHECKOUT, name.slice("@surety/".length)) : undefined;
  const name = path
    .basename(path.resolve(dir))
    .toLowerCase()
    .replace(/[^a-z0-9._-]/g, "-");
  const manifest = manifestFor(example, framework, name, source);
  writeFileSync(path.join(dir, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  // npm leaves both out of what it packs, so the example cannot carry them.
  writeFileSync(
    path.join(dir, ".gitignore"),
    `${[...BUILT].filter((file) => !file.endsWith(".json")).join("\n")}\n`,
  );
  // onnxruntime-node would otherwise fetch CUDA libraries from outside the registry.
  writeFileSync(path.join(dir, ".npmrc"), "onnxruntime-node-install=skip\n");
  const wrapper = path.join(dir, "solc.mjs");
  if (existsSync(wrapper)) chmodSync(wrapper, 0o755);
  return (readdirSync(dir, { recursive: true, withFileTypes: true }) as import("node:fs").Dirent[])
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
    .sort();
}
