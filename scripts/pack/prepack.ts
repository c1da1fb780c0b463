// Runs before `npm pack` and `npm publish` of a package, in its folder: compiles it into dist/ and puts the packed manifest in place of its own
// until postpack. The whole repository is compiled at once, so that every package sees the others' types.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { KEPT_MANIFEST, packedManifest, ROOT, readManifest, restoreManifest } from "./package-files.ts";

const packageDir = process.cwd();
// A pack that broke off has left its manifest here.
restoreManifest(packageDir);
const manifest = readManifest(packageDir);
const packed = packedManifest(manifest);

const tsc = path.join(
  path.dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
  "bin/tsc",
);
const { status } = spawnSync(process.execPath, [tsc, "--project", path.join(ROOT, "tsconfig.build.json")], {
  stdio: ["ignore", "inherit", "inherit"],
});
if (status !== 0) throw new Error(`${manifest.name} does not compile: see above.`);

const dist = path.join(packageDir, "dist");
rmSync(dist, { recursive: true, force: true });
cpSync(path.join(ROOT, "build/js", path.relative(ROOT, packageDir), "src"), dist, { recursive: true });
// What modules read beside them: schemas, known answers, pages.
cpSync(path.join(packageDir, "src"), dist, {
  recursive: true,
  filter: (file) => !file.endsWith(".ts"),
});
for (const file of [
  "LICENSE",
  "fixtures/mnist",
  "fixtures/licenses",
  "fixtures/MANIFEST.md",
  "examples/consumer",
]) {
  const wanted = (manifest.files as readonly string[] | undefined)?.includes(file.split("/")[0] as string);
  if (wanted && existsSync(path.join(ROOT, file))) {
    cpSync(path.join(ROOT, file), path.join(packageDir, file), { recursive: true });
  }
}
renameSync(path.join(packageDir, "package.json"), path.join(packageDir, KEPT_MANIFEST));
writeFileSync(path.join(packageDir, "package.json"), `${JSON.stringify(packed, null, 2)}\n`);
