import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { countingModel } from "../support/models.ts";
import { useSurety } from "../support/scenario.ts";
import { ZERO_HASH } from "../support/surety.ts";

interface Capital {
  readonly bondWei: bigint;
  readonly moves: bigint;
  readonly gasPerMove: bigint;
  readonly gas: bigint;
}

/** Two reveals of the trace, one of a tensor, then bytes. */
const model = countingModel(70, 5_000);
const input = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7 + (i >> 8) * 13) & 0xff);
const CONTRACTS = join(import.meta.dirname, "../..");
const snapshot = (name: string) =>
  JSON.parse(readFileSync(join(CONTRACTS, "snapshots", name), "utf8")) as Record<string, unknown>;

describe("DisputeGame.maxCapital", () => {
  const scenario = useSurety(model, input);
  const capital = (assertionId: bigint, largestTensorBytes: number, header: object = model.header) =>
    scenario.surety.read<readonly [Capital, Capital, bigint]>(scenario.surety.game, "maxCapital", [
      ...[assertionId, header, largestTensorBytes],
    ]);

  it("bounds the moves, the gas and the bonds of both sides of a whole game", async () => {
    const { surety, actors } = scenario;
    const { challengeBondWei, assertionBondWei, clockSeconds, extensionSeconds } = surety.parameters;
    const lie = scenario.lie({ instruction: 66, byte: 4_999 });
    const { assertionId, poster } = await scenario.posted(lie, { delivery: "pull" });
    const [challengers, posters, secondsAtMost] = await capital(assertionId, 5_000);
    expect(challengers.bondWei).toBe(challengeBondWei);
    expect(posters.bondWei).toBe(assertionBondWei);

    const gameId = await scenario.open(assertionId, lie, actors.challenger);
    const { transactions } = await surety.network.publicClient.getBlock();
    const opened = await surety.network.publicClient.getTransactionReceipt({
      hash: transactions[0] as never,
    });
    const moves = await scenario.play(gameId, lie, poster);
    const of = (side: string) => moves.filter(({ by }) => by === side).map(({ receipt }) => receipt.gasUsed);
    const sum = (gas: readonly bigint[]) => gas.reduce((all, one) => all + one, 0n);
    const byChallenger = [opened.gasUsed, ...of("challenger")];
    // The longest walk of this program: as many moves as it says, in less than the gas it says.
    expect(BigInt(byChallenger.length)).toBe(challengers.moves);
    expect(BigInt(of("poster").length)).toBe(posters.moves);
    for (const [gas, bound] of [
      [byChallenger, challengers],
      [of("poster"), posters],
    ] as const) {
      expect(sum(gas) <= bound.gas).toBe(true);
      for (const one of gas) expect(one <= bound.gasPerMove).toBe(true);
    }
    expect(secondsAtMost).toBe(2n * BigInt(clockSeconds + (of("poster").length - 1) * extensionSeconds));
  });

  it("without the largest tensor is that of the largest there can be; of another header it reverts HashMismatch", async () => {
    const { surety, actors } = scenario;
    const { assertionId } = await scenario.posted();
    const [some] = await capital(assertionId, 5_000);
    const [most] = await capital(assertionId, 0);
    expect(most.moves > some.moves).toBe(true);
    const changed = { ...model.header, graphHash: ZERO_HASH };
    const call = { from: actors.stranger, to: surety.game, call: "maxCapital" };
    expect(await surety.refused({ ...call, args: [assertionId, changed, 0] })).toMatchObject({
      error: "HashMismatch",
    });
  });

  it("reckons with constants that cover every measured move, all storage cold", () => {
    const source = readFileSync(join(CONTRACTS, "src/dispute/GameCost.sol"), "utf8");
    const constants = Object.fromEntries(
      [...source.matchAll(/constant (\w+) = ([\d_]+);/g)].map(([, name, value]) => [
        name,
        Number(value?.replaceAll("_", "")),
      ]),
    ) as Record<string, number>;
    const { OPEN, COMMIT, COMMIT_OUTPUT, REVEAL, REVEAL_BYTES, SELECT, SELECT_TENSOR, STEP } =
      constants as never;
    const gas = snapshot("gas.json") as Record<string, number>;
    const limits = snapshot("gas-at-limits.json") as Record<string, number>;
    const dearest = (value: unknown): number =>
      typeof value !== "object" || value === null
        ? 0
        : Math.max(
            ...Object.entries(value).map(([key, inner]) =>
              key === "transaction" || key.startsWith("gas of the") ? Number(inner) : dearest(inner),
            ),
            0,
          );
    const steps = ["step-referee.json", "dispute-gas-155-layers.json"].map((name) => dearest(snapshot(name)));
    for (const [measured, bound] of [
      [gas["DisputeGame.open"], OPEN],
      [limits["DisputeGame.commitTrace, one tensor each"], COMMIT + COMMIT_OUTPUT],
      [limits["DisputeGame.commitTrace, 64 tensors each"], COMMIT + 64 * COMMIT_OUTPUT],
      [gas["DisputeGame.reveal"], REVEAL],
      [gas["DisputeGame.revealBytes"], REVEAL_BYTES],
      [gas["DisputeGame.select"], SELECT],
      [gas["DisputeGame.selectTensor"], SELECT_TENSOR],
      [gas["DisputeGame.step"], STEP],
      ...steps.map((step) => [step, STEP]),
    ]) {
      expect(measured).toBeGreaterThan(0);
      expect(measured).toBeLessThanOrEqual(bound as number);
    }
  });
});
