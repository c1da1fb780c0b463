/**
 * Runs solhint over the contracts and says how much it looked at and found, so that silence is not mistaken for success.
 * Rules that are off in `.solhint.json` are answered one by one in docs/threat-model.md.
 */

import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const SOURCES = "contracts/src/**/*.sol";

const solhint = join(root, "node_modules/solhint/solhint.js");
const { status, stdout, stderr } = spawnSync(
  process.execPath,
  [solhint, "--disc", "--noPoster", "--max-warnings", "0", "--formatter", "unix", SOURCES],
  { cwd: root, encoding: "utf8" },
);
const findings = stdout.split("\n").filter((line) => /^\S+\.sol:\d+:\d+: /.test(line));
const { rules } = JSON.parse(readFileSync(join(root, ".solhint.json"), "utf8")) as {
  rules: Record<string, unknown>;
};
const off = Object.keys(rules).filter((name) => rules[name] === "off");
const answers = readFileSync(join(root, "docs/threat-model.md"), "utf8");
const unanswered = off.filter((name) => !answers.includes(`\`${name}\``));
const files = globSync(SOURCES, { cwd: root }).filter((file) => !file.includes("test-harness"));

for (const line of findings) console.error(line);
if (status !== 0 && findings.length === 0) console.error(stderr || stdout);
console.log(
  `solhint: ${findings.length} findings in ${files.length} files, ${off.length} rules answered in docs/threat-model.md`,
);
if (unanswered.length > 0) console.error(`Not answered in docs/threat-model.md: ${unanswered.join(", ")}`);
process.exitCode = findings.length > 0 || unanswered.length > 0 || status !== 0 || files.length === 0 ? 1 : 0;
