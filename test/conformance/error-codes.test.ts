import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import * as protocol from "@surety/protocol";
import { describe, expect, it } from "vitest";

const ROOT = path.join(import.meta.dirname, "../..");
const PAGE = readFileSync(path.join(ROOT, "docs/errors.md"), "utf8");

const KINDS: Readonly<Record<string, string>> = {
  UsageError: "use",
  FatalError: "fatal",
  RetryableError: "retry",
};

/** Whatever can run outside of a test. */
function sources(): { file: string; text: string }[] {
  const patterns = ["*/src/**/*.ts", "*/bin/*.{js,ts}", "scripts/*.{js,ts}"];
  return globSync(patterns, { cwd: ROOT })
    .filter((file) => !file.endsWith(".test.ts") && !file.includes("/generated/"))
    .map((file) => ({ file, text: readFileSync(path.join(ROOT, file), "utf8") }));
}

/** `CODE kind` of every error the sources throw. */
function thrownCodes(): Set<string> {
  const codes = new Set<string>();
  for (const { file, text } of sources()) {
    for (const [, thrown = "", code] of text.matchAll(/new (\w+)Error\(\s*(?:"([A-Z][A-Z0-9_]*)")?/g)) {
      const kind = KINDS[`${thrown}Error`];
      if (kind === undefined) continue;
      expect(code, `${file}: new ${thrown}Error( without a literal code`).toBeDefined();
      codes.add(`${code} ${kind}`);
    }
    for (const [, base = "", code] of text.matchAll(/extends (\w+) \{[^}]*?super\(\s*"([A-Z0-9_]+)"/gs)) {
      codes.add(`${code} ${KINDS[base]}`);
    }
    // Errors of scripts that cannot import the classes: the line itself.
    for (const [, code] of text.matchAll(/error\[([A-Z0-9_]+)\]/g)) codes.add(`${code} fatal`);
  }
  const foreign = new Error("not ours");
  codes.add(`${protocol.errorCode(foreign)} ${protocol.isRetryable(foreign) ? "retry" : "fatal"}`);
  return codes;
}

function documentedCodes(): string[] {
  const [codes = ""] = PAGE.split("\n## Contracts\n");
  return [...codes.matchAll(/^\| `([A-Z][A-Z0-9_]*)` \| ([a-z ]+) \|/gm)].flatMap(([, code, kinds = ""]) =>
    kinds.split(" or ").map((kind) => `${code} ${kind}`),
  );
}

interface AbiError {
  readonly type: string;
  readonly name?: string;
  readonly inputs?: readonly { readonly name: string }[];
}

/** `Name(argument, argument)` of every error of an ABI. */
function errorsOf(abi: readonly AbiError[]): string[] {
  return abi
    .filter(({ type }) => type === "error")
    .map(({ name, inputs = [] }) => `${name}(${inputs.map((input) => input.name).join(", ")})`);
}

const ABIS: Readonly<Record<string, readonly AbiError[]>> = {
  ModelRegistry: protocol.modelRegistryAbi,
  OperatorRegistry: protocol.operatorRegistryAbi,
  SuretyOracle: protocol.suretyOracleAbi,
  DisputeGame: protocol.disputeGameAbi,
  StepReferee: protocol.stepRefereeAbi,
  DigitReader: protocol.digitReaderAbi,
};

/** Documented errors by the section they stand in. */
function documentedErrors(): { section: string; error: string }[] {
  const [, contracts = ""] = PAGE.split("\n## Contracts\n");
  return contracts.split(/^### /m).flatMap((text) => {
    const section = text.slice(0, text.indexOf("\n"));
    return [...text.matchAll(/^\| `(\w+\([\w, ]*\))` \|/gm)].map(([, error = ""]) => ({ section, error }));
  });
}

describe("docs/errors.md", () => {
  it("lists every code of the sources once, with its kind, and no other", () => {
    const documented = documentedCodes();
    expect(new Set(documented).size).toBe(documented.length);
    expect(documented.sort()).toEqual([...thrownCodes()].sort());
  });

  it("lists every error of the contracts and no other", () => {
    // The merged ABI holds one of those that share a selector, such as NotServing.
    const merged = errorsOf(protocol.suretyErrorsAbi);
    const all = new Set([...merged, ...Object.values(ABIS).flatMap(errorsOf)]);
    const documented = documentedErrors().map(({ error }) => error);
    expect(documented.filter((error, index) => documented.indexOf(error) !== index)).toEqual([]);
    expect([...documented].sort()).toEqual([...all].sort());
  });

  it("lists an error under a contract that throws it", () => {
    const misplaced = documentedErrors().filter(
      ({ section, error }) => ABIS[section] !== undefined && !errorsOf(ABIS[section]).includes(error),
    );
    expect(misplaced).toEqual([]);
  });
});
