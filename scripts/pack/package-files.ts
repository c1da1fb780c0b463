import { existsSync, readFileSync, renameSync } from "node:fs";
import path from "node:path";

export const ROOT = path.join(import.meta.dirname, "../..");

/** Where a package's own package.json is kept while the packed one stands in its place. */
export const KEPT_MANIFEST = "package.json.kept";

/** What installed packages run on. Not in the checkout's manifests: there the package `node` brings it, whatever Node npm itself runs on. */
const NODE = ">=24";

export interface PackageManifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

export function readManifest(packageDir: string): PackageManifest {
  return JSON.parse(readFileSync(path.join(packageDir, "package.json"), "utf8"));
}

/** Gives a package its own manifest back, if the packed one stands in its place. */
export function restoreManifest(packageDir: string): void {
  const kept = path.join(packageDir, KEPT_MANIFEST);
  if (existsSync(kept)) renameSync(kept, path.join(packageDir, "package.json"));
}

/**
 * The manifest of the installed package: everything of `src/*.ts` is `dist/*.js` there, because Node does not strip types inside node_modules.
 */
export function packedManifest(manifest: PackageManifest): Readonly<Record<string, unknown>> {
  const compiled = (file: string, extension: string) =>
    file.replace(/^\.\/src\//, "./dist/").replace(/\.ts$/, extension);
  const exports = Object.fromEntries(
    Object.entries(manifest.exports ?? {}).map(([subpath, file]) => [
      subpath,
      { types: compiled(file, ".d.ts"), default: compiled(file, ".js") },
    ]),
  );
  const bin = Object.fromEntries(
    Object.entries(manifest.bin ?? {}).map(([name, file]) => [name, compiled(file, ".js")]),
  );
  const { scripts: _, ...rest } = manifest;
  return {
    ...rest,
    engines: { node: NODE },
    // A package without modules, as that of the contracts, gives its files: empty exports would hide them.
    ...(manifest.exports ? { exports } : {}),
    ...(manifest.bin ? { bin } : {}),
  };
}
