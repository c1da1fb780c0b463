import { afterAll, describe, expect, it } from "vitest";
import { disputedRuns, kindOf, mobilenetModel } from "../support/mobilenet.ts";
import { viewOf } from "../support/players.ts";
import { useSurety } from "../support/scenario.ts";
import { expectSnapshot } from "../support/snapshot.ts";

/**
 * The bar that a dispute of a real network must meet: at most 6 moves a side, 2,500,000 gas in all, 1,000,000 gas in any one transaction. The lie is tried
 * in a layer of each kind, where the walk is longest and operands are farthest apart.
 */
describe("a dispute of a 155-layer program with million-element tensors", () => {
  const { model, input } = mobilenetModel();
  const scenario = useSurety(model, input, { clockSeconds: 3_600, unbondingSeconds: 20_000 });
  const figures: Record<string, unknown> = {};

  it("has the size it says", () => {
    expect(model.instructions).toHaveLength(155);
    const large = model.instructions.filter(
      ({ outDims }) => outDims.reduce((product, dim) => product * dim, 1) >= 1_000_000,
    );
    expect(large).toHaveLength(152);
  });

  it.each([
    ["the first layer, over the input", 0, 1_045_439],
    ["a depthwise convolution", 77, 522_720],
    ["a pointwise convolution of 960 channels", 150, 1_000_003],
    ["the global pool", 153, 959],
    ["the classifier, the output itself", 154, 999],
  ])(
    "%s",
    async (name, instruction, element) => {
      const { surety, actors } = scenario;
      expect(kindOf(instruction)).toBeDefined();
      const { honest, lying } = disputedRuns(model, input, { instruction, element });
      const { assertionId, poster } = await scenario.posted(lying, { delivery: "pull" });
      const gameId = await scenario.open(assertionId, lying);
      const opened = await surety.network.publicClient.getBlock({ includeTransactions: true });
      const { gasUsed: openGas } = await surety.network.publicClient.getTransactionReceipt({
        hash: (opened.transactions[0] as { hash: `0x${string}` }).hash,
      });
      const moves = await scenario.play(gameId, lying, poster, honest);
      expect(await viewOf(surety, gameId)).toMatchObject({
        phase: "challenger-won",
        challenger: actors.challenger,
      });

      const gas = [Number(openGas), ...moves.map(({ receipt }) => Number(receipt.gasUsed))];
      const by = (side: string) => moves.filter((move) => move.by === side).length;
      const all = gas.reduce((sum, used) => sum + used, 0);
      // The opening is a move of the challenger's.
      expect(by("challenger") + 1).toBeLessThanOrEqual(6);
      expect(by("poster")).toBeLessThanOrEqual(6);
      expect(all).toBeLessThanOrEqual(2_500_000);
      expect(Math.max(...gas)).toBeLessThanOrEqual(1_000_000);
      figures[name] = {
        "moves of the challenger": by("challenger") + 1,
        "moves of the poster": by("poster"),
        "gas in all": all,
        "gas of the dearest transaction": Math.max(...gas),
        "gas of the step": gas.at(-1),
      };
    },
    600_000,
  );

  afterAll(() => expectSnapshot("dispute-gas-155-layers.json", figures));
});
