import { spawnSync } from "node:child_process";
import path from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { commandOf, createProgram } from "./program.ts";

const SURETY = path.join(import.meta.dirname, "../bin/surety.js");
const surety = (...args: string[]) =>
  spawnSync(process.execPath, [SURETY, ...args], { encoding: "utf8" }).stdout;

/** Commands that are run, not those that only group others. */
function leavesOf(command: Command, name = command.name()): [string, Command][] {
  const inner = command.commands.filter((each) => each.name() !== "help");
  const own: [string, Command][] = inner.length === 0 || hasAction(command) ? [[name, command]] : [];
  return [...own, ...inner.flatMap((each) => leavesOf(each, `${name} ${each.name()}`))];
}

const hasAction = (command: Command) =>
  (command as unknown as { _actionHandler: unknown })._actionHandler !== null && command.parent !== null;

/** As `--help` prints it, with what is added before and after. */
function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text;
}

const program = await createProgram();
const leaves = leavesOf(program).filter(([name]) => name !== "surety complete");

describe("surety --help", () => {
  it("knows every command", () => {
    expect(leaves.map(([name]) => name)).toEqual(
      expect.arrayContaining([
        "surety init",
        "surety model check",
        "surety devnet",
        "surety devnet fault",
        "surety stake withdraw complete",
        "surety node start",
        "surety completion",
      ]),
    );
  });

  it.each(leaves)("%s says what it does and gives an example", async (name, command) => {
    expect(command.description()).not.toBe("");
    const own = (command as unknown as { _helpOption: unknown })._helpOption === null;
    // What reads its options itself prints its help itself.
    const help = own ? surety(...name.split(" ").slice(1), "--help") : helpOf(command);
    // The doctor's is that of the start whose options it takes.
    const shown = own ? name.replace(/ doctor$/, " start") : name;
    expect(help).toMatch(new RegExp(`\\nExamples?:\\n  ${shown}\\b`));
  });

  it("describes every command that groups others", () => {
    const bare = program.commands.filter((command) => command.description() === "");
    expect(bare.map((command) => command.name())).toEqual([]);
  });
});

describe("surety completion", () => {
  const completed = (...words: string[]) => surety("complete", "--", ...words);

  it("completes commands and options", () => {
    expect(completed("sta")).toMatch(/^stake\t/);
    expect(completed("stake", "withdraw", "")).toMatch(/^request\t.*\ncomplete\t/);
    expect(completed("model", "check", "--")).toMatch(/^--svg\t/m);
  });

  it("loads one command where only that one can be meant", () => {
    expect(commandOf(["stake", "show"])).toBe("stake");
    expect(commandOf(["complete", "--", "stake", "show"])).toBe("stake");
    expect(commandOf(["complete", "--", "stake"])).toBeUndefined();
    expect(commandOf([])).toBeUndefined();
  });

  it.each(["bash", "zsh", "fish"])("prints a script for %s that this shell can read", (shell) => {
    const script = surety("completion", shell);
    expect(script).toContain("complete");
    const check = spawnSync(shell, ["-n"], { input: script, encoding: "utf8" });
    // Not every machine has all of them.
    if (check.error === undefined) expect([check.status, check.stderr]).toEqual([0, ""]);
  });
});
