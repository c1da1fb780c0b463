import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatGwei, parseGwei } from "viem";
import { describe, expect, it } from "vitest";
import { DEVNET_PARAMETERS } from "../../../chain/src/deploy.ts";

/** The gas price up to which being right pays in the deepest dispute there can be; docs/protocol.md states it. */
const GAS_PRICE_WEI = parseGwei("30");
/** The most gas that a transaction, and so a step, may take (EIP-7825). */
const DEAREST_STEP = 2 ** 24;

const snapshot = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, "../../snapshots", name), "utf8"));

/**
 * The bonds against the gas of the side that is right: every move of the deepest walk there can be as it was measured (2^20 instructions, 64 outputs, a
 * tensor of 2^32 bytes: nine turns a side), with the dearest step that fits into a transaction in place of its step.
 */
describe("bonds cover the worst dispute", () => {
  /** Of every move of the deepest walk, as it was played: `deepest-walk.test.ts`. */
  const deepest = snapshot("deepest-walk-gas.json") as Record<
    "challenger" | "poster",
    Record<string, readonly number[]>
  >;
  const sum = (all: readonly (readonly number[])[]) => all.flat().reduce((a, b) => a + b, 0);
  const limits = snapshot("gas-at-limits.json") as Record<string, number>;
  const gas = snapshot("gas.json") as Record<string, number>;
  const of = (table: Record<string, number> | undefined, name: string): number => {
    const used = table?.[name];
    if (used === undefined) throw new Error(`no figure of ${name}`);
    return used;
  };
  const { burnBps, assertionBondWei, challengeBondWei } = DEVNET_PARAMETERS;
  const share = (bondWei: bigint) => (bondWei * BigInt(10_000 - burnBps)) / 10_000n;

  it("a challenger's reward covers its moves, at the gas price that the docs state", () => {
    const { step: _, ...walk } = deepest.challenger;
    expect(Object.keys(walk).sort()).toEqual(["open", "select", "selectTensor"]);
    const used = sum(Object.values(walk)) + DEAREST_STEP + of(gas, "DisputeGame.withdraw");
    const covered = share(assertionBondWei) / BigInt(used);
    expect(covered, `covered up to ${formatGwei(covered)} gwei`).toBeGreaterThan(GAS_PRICE_WEI);
  });

  it("a poster's reward of one game covers its moves, at the same price", () => {
    const { commitTrace = [], ...reveals } = deepest.poster;
    expect(Object.keys(reveals).sort()).toEqual(["reveal", "revealBytes"]);
    const used =
      Math.max(...commitTrace, of(limits, "DisputeGame.commitTrace, 64 tensors each")) +
      sum(Object.values(reveals)) +
      of(gas, "DisputeGame.claimTimeout, of the challenger") +
      of(gas, "DisputeGame.withdraw");
    const covered = share(challengeBondWei) / BigInt(used);
    expect(covered, `covered up to ${formatGwei(covered)} gwei`).toBeGreaterThan(GAS_PRICE_WEI);
  });

  it("is stated in docs/protocol.md", () => {
    const docs = readFileSync(join(import.meta.dirname, "../../../docs/protocol.md"), "utf8");
    expect(docs).toContain(`${formatGwei(GAS_PRICE_WEI)} gwei`);
  });
});
