import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { expectSnapshot } from "./support/snapshot.ts";

const require = createRequire(import.meta.url);
const SOURCES = join(import.meta.dirname, "../src");

const CONTRACTS = {
  ModelRegistry: "request/ModelRegistry.sol",
  OperatorRegistry: "settle/OperatorRegistry.sol",
  SuretyOracle: "result/SuretyOracle.sol",
  OracleExtension: "result/OracleExtension.sol",
  DisputeGame: "dispute/DisputeGame.sol",
  StepReferee: "dispute/StepReferee.sol",
};

interface Variable {
  readonly label: string;
  readonly slot: string;
  readonly offset: number;
  readonly type: string;
}
interface Layout {
  readonly storage: readonly Variable[];
  readonly types: Readonly<
    Record<string, { label: string; numberOfBytes: string; members?: readonly Variable[] }>
  > | null;
}

/** The compiler's word on where each variable lies; code is not generated for it. */
function layouts(): Record<string, Layout> {
  const solc = require("solc") as {
    compile(input: string, callbacks: { import(path: string): { contents: string } }): string;
  };
  const sources = Object.values(CONTRACTS).map((path) => [
    path,
    { content: readFileSync(join(SOURCES, path), "utf8") },
  ]);
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(sources),
    settings: { viaIR: true, outputSelection: { "*": { "*": ["storageLayout"] } } },
  };
  const find = (path: string) => ({
    contents: readFileSync(path.startsWith("@") ? require.resolve(path) : join(SOURCES, path), "utf8"),
  });
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find })) as {
    errors?: readonly { severity: string; formattedMessage: string }[];
    contracts: Record<string, Record<string, { storageLayout: Layout }>>;
  };
  const errors = output.errors?.filter(({ severity }) => severity === "error") ?? [];
  if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join("\n"));
  return Object.fromEntries(
    Object.entries(CONTRACTS).map(([name, path]) => [
      name,
      (output.contracts[path] as Record<string, { storageLayout: Layout }>)[name]?.storageLayout as Layout,
    ]),
  );
}

const placeOf = ({ label, slot, offset, type }: Variable) =>
  `${label} ${slot} ${offset} ${type.replace(/\d+_storage/g, "_storage")}`;

/** A variable a line: slot, first byte, size, type. */
function lines(layout: Layout): Record<string, string> {
  const { storage } = layout;
  const types = layout.types ?? {};
  const line = ({ slot, offset, type }: Variable) => {
    const { label, numberOfBytes } = types[type] as { label: string; numberOfBytes: string };
    return `slot ${slot}, byte ${offset}, ${numberOfBytes} bytes: ${label}`;
  };
  const structs = Object.values(types).filter(({ members }) => members !== undefined);
  return Object.fromEntries([
    ...storage.map((variable) => [variable.label, line(variable)]),
    ...structs.flatMap(({ label, members }) =>
      (members ?? []).map((member) => [`${label}.${member.label}`, line(member)]),
    ),
  ]);
}

describe("storage layout", () => {
  it("is the committed one, and structs are as large as their drawings say", () => {
    const all = layouts();
    expectSnapshot(
      "storage-layout.json",
      Object.fromEntries(Object.entries(all).map(([name, layout]) => [name, lines(layout)])),
    );
    // The extension's code works on the oracle's storage.
    const variables = (name: keyof typeof CONTRACTS) => all[name]?.storage.map(placeOf) ?? [];
    expect(variables("OracleExtension").length).toBeGreaterThan(0);
    expect(variables("OracleExtension")).toEqual(variables("SuretyOracle"));
    const slotsOf = (name: keyof typeof CONTRACTS, struct: string) => {
      const types = Object.values(all[name]?.types ?? {});
      const found = types.find(({ label }) => label.endsWith(`.${struct}`));
      return Number(found?.numberOfBytes) / 32;
    };
    // A slot more is 22,100 gas more for each of them.
    expect(slotsOf("SuretyOracle", "StoredAssertion")).toBeLessThanOrEqual(2);
    expect(slotsOf("DisputeGame", "Game")).toBeLessThanOrEqual(4);
    expect(slotsOf("DisputeGame", "Trace")).toBeLessThanOrEqual(2);
    expect(all.StepReferee?.storage).toEqual([]);
  }, 600_000);
});
