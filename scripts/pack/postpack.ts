// Runs after `npm pack` and `npm publish`: gives a package its own manifest back and removes what prepack made.
import { rmSync } from "node:fs";
import path from "node:path";
import { restoreManifest } from "./package-files.ts";

const packageDir = process.cwd();
restoreManifest(packageDir);
for (const made of ["dist", "LICENSE", "fixtures", "examples"])
  rmSync(path.join(packageDir, made), { recursive: true, force: true });
