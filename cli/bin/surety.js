#!/usr/bin/env node
// The command is TypeScript, which Node runs as it is from 24 on. Started by an older Node, it goes on with the one that the
// npm package `node` has put beside it.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
// A checkout has the TypeScript, an installed package what was compiled from it.
const main = ["../src/main.ts", "../dist/main.js"].map((file) => path.join(here, file)).find(existsSync);

if (Number(process.versions.node.split(".")[0]) >= 24) {
  await import(main);
} else {
  const node = path.join(
    path.dirname(createRequire(import.meta.url).resolve("node/package.json")),
    "bin/node",
  );
  const result = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: "inherit" });
  if (result.error) {
    console.error(
      `error[NODE_TOO_OLD]: Surety needs Node 24 or later; this is ${process.version}. Run npm install again.`,
    );
  }
  process.exitCode = result.status ?? 1;
}
