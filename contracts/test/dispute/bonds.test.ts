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
 * The bonds against the gas of the side that is right, from the committed figures: a program of 2^20 instructions with 64 outputs, a tensor of 2^32
 * bytes, the dearest step that fits into a block. The walk has nine turns a side (`maxGameSeconds`).
 */
describe("bonds cover the worst dispute", () => {
  const { "the dearest of each kind of move": move } = snapshot("dispute-gas-155-layers.json") as Record<
    string,
    Record<string, number>
  >;
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
    const used =
      of(limits, "DisputeGame.open, 64 tensors each") +
      7 * of(move, "select") +
      of(move, "selectTensor") +
      DEAREST_STEP +
      of(gas, "DisputeGame.withdraw");
    const covered = share(assertionBondWei) / BigInt(used);
    expect(covered, `covered up to ${formatGwei(covered)} gwei`).toBeGreaterThan(GAS_PRICE_WEI);
  });

  it("a poster's reward of one game covers its moves, at the same price", () => {
    const used =
      of(limits, "DisputeGame.commitTrace, 64 tensors each") +
      7 * of(move, "reveal") +
      of(move, "revealBytes") +
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
