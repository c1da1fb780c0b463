import { spawnSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";
import { progressText } from "./progress.ts";

const MODEL = path.join(import.meta.dirname, "../../fixtures/mnist/mnist-8.onnx");
const SURETY = path.join(import.meta.dirname, "../bin/surety.js");
/** util-linux's `script` gives a command a terminal. */
const hasScript = spawnSync("script", ["--version"]).status === 0;

/** Both streams of `surety model check`, at a terminal. */
function checkAtTerminal(environment: Record<string, string>, ...flags: string[]): string {
  // What runs in CI is not looked at.
  const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, ...rest } = process.env;
  const command = [process.execPath, SURETY, "model", "check", MODEL, ...flags].join(" ");
  const { stdout } = spawnSync("script", ["-qec", `stty cols 100; ${command}`, "/dev/null"], {
    encoding: "utf8",
    timeout: 120_000,
    killSignal: "SIGKILL",
    env: { ...rest, TERM: "xterm-256color", ...environment },
  });
  return stdout;
}

/** Whether a text sets a colour: SGR sequences other than "reset". */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const COLOUR = /\u001b\[(3[0-7]|9[0-7]|38)/;

test("a bar shows how much is done", () => {
  expect(progressText("calibrating", 8, 32)).toBe("calibrating [######------------------] 8/32");
  expect(progressText("preparing")).toBe("preparing");
});

test.skipIf(!hasScript)(
  "a terminal gets progress and colours, with NO_COLOR no colours, with --json neither",
  () => {
    const plain = checkAtTerminal({});
    expect(plain).toContain("checking op by op");
    expect(plain).toMatch(COLOUR);
    const colourless = checkAtTerminal({ NO_COLOR: "1" });
    expect(colourless).toContain("checking op by op");
    expect(colourless).not.toMatch(COLOUR);
    expect(() => JSON.parse(checkAtTerminal({}, "--json"))).not.toThrow();
  },
  300_000,
);
