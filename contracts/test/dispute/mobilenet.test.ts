import { REVEAL_LEVELS } from "@surety/protocol";
import { afterAll, describe, expect, it } from "vitest";
import { disputedRuns, kindOf, mobilenetModel } from "../support/mobilenet.ts";
import { viewOf } from "../support/players.ts";
import { useSurety } from "../support/scenario.ts";
import { expectSnapshot } from "../support/snapshot.ts";
import { eventsOf } from "../support/surety.ts";

/**
 * The bar that a dispute of a real network must meet: at most 6 moves a side, 2,500,000 gas in all, 1,000,000 gas in any one transaction. The lie is tried
 * in a layer of each kind, where the walk is longest and operands are farthest apart.
 */
describe("a dispute of a 155-layer program with million-element tensors", () => {
  const { model, input } = mobilenetModel();
  const scenario = useSurety(model, input, { clockSeconds: 3_600, unbondingSeconds: 20_000 });
  const figures: Record<string, unknown> = {};
  /** The dearest of each kind of move, by fresh accounts on slots that nobody has touched. */
  const worst: Record<string, number> = {};
  /** Gas of a reveal by the nodes that it shows. */
  const byNodes = new Map<number, number>();

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

      worst.open = Math.max(worst.open ?? 0, Number(openGas));
      for (const { call, receipt } of moves) {
        worst[call] = Math.max(worst[call] ?? 0, Number(receipt.gasUsed));
        const nodes = (eventsOf(receipt, "NodeRevealed")[0]?.args.children as unknown[] | undefined)?.length;
        if (call === "reveal" && nodes !== undefined)
          byNodes.set(nodes, Math.max(byNodes.get(nodes) ?? 0, Number(receipt.gasUsed)));
      }
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

  it("costs least, or nearly so, with the levels that a reveal shows", () => {
    // Reveals of 4, 16 and 64 nodes: a line, from which those of other arities follow.
    const [few, some, many] = [4, 16, 64].map((nodes) => byNodes.get(nodes) as number) as [
      number,
      number,
      number,
    ];
    const perNode = (many - few) / 60;
    const fixed = few - 4 * perNode;
    expect(Math.abs(fixed + 16 * perNode - some) / some).toBeLessThan(0.02);

    const of = (call: string) => worst[call] as number;
    const inAll = (levels: number) => {
      let gas = of("open") + of("commitTrace") + of("selectTensor") + of("revealBytes") + of("step");
      let moves = 3;
      const reveal = (height: number) => {
        for (let left = height; left > 0; left -= levels) {
          gas += fixed + perNode * 2 ** Math.min(left, levels) + of("select");
          moves++;
        }
      };
      // 2^8 tensors, of which the commitment shows the first levels; 2^12 leaves, of which the last two levels are bytes.
      gas += perNode * (2 ** Math.min(levels, 8) - 64);
      reveal(8 - Math.min(levels, 8));
      reveal(10);
      return { gas: Math.round(gas), "moves of the challenger": moves };
    };
    const table = Object.fromEntries([3, 4, 5, 6, 7, 8].map((levels) => [levels, inAll(levels)]));
    const least = Math.min(...Object.values(table).map(({ gas }) => gas));
    const chosen = table[REVEAL_LEVELS] as ReturnType<typeof inAll>;
    // With fewer levels a dispute has more moves than it may have, or costs more; with more it costs more.
    expect(chosen["moves of the challenger"]).toBeLessThanOrEqual(6);
    expect(chosen.gas).toBeLessThanOrEqual(1.05 * least);
    expect((table[4] as typeof chosen)["moves of the challenger"]).toBeGreaterThan(6);
    expect((table[7] as typeof chosen).gas).toBeGreaterThan(chosen.gas);
    figures["gas of a reveal"] = { "of a node": Math.round(perNode), beside: Math.round(fixed) };
    figures["in all, by the levels that a reveal shows"] = table;
    figures["the dearest of each kind of move"] = worst;
  });

  afterAll(() => expectSnapshot("dispute-gas-155-layers.json", figures));
});
