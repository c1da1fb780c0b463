import { toHex } from "@surety/engine";
import type { Hex } from "viem";
import { describe, expect, it } from "vitest";
import { type disputedModel as model, useDispute } from "../support/dispute.ts";
import { commitMove, viewOf } from "../support/players.ts";
import { eventsOf, ZERO_HASH } from "../support/surety.ts";

type Committed = [bigint, Hex, Hex, typeof model.header, Hex[], Hex[], Hex[]];

describe("DisputeGame: committing the trace", () => {
  const { scenario, lie, honest, call, read, refused } = useDispute();

  describe("commitTrace", () => {
    const committing = async (trace = lie) => {
      const { assertionId, poster } = await scenario.posted(trace);
      const move = {
        from: poster,
        ...commitMove(scenario.surety, scenario.knows(trace), trace, assertionId),
      };
      const args = move.args as Committed;
      return { assertionId, poster, move, args };
    };

    it("is possible before any game; a game then begins with the challenger's turn", async () => {
      const { assertionId, move } = await committing();
      const receipt = await scenario.surety.send(move);
      const traceRoot = toHex(lie.root);
      expect(eventsOf(receipt)).toMatchObject([
        { name: "TraceCommitted", args: { assertionId, traceRoot } },
        {
          name: "NodeRevealed",
          args: { assertionId, inTensor: false, height: 7, position: 0, children: move.args?.[6] },
        },
      ]);
      expect(await read("traceRootOf", assertionId)).toBe(traceRoot);
      const gameId = await scenario.open(assertionId, lie);
      expect(await viewOf(scenario.surety, gameId)).toMatchObject({
        phase: "trace",
        turn: "challenger",
        node: traceRoot,
        height: 7,
        position: 0,
      });
    });

    it("by anybody but the poster reverts NotPoster", async () => {
      const { move, poster } = await committing();
      const { stranger } = scenario.actors;
      expect(await refused({ ...move, from: stranger })).toEqual({
        error: "NotPoster",
        args: [stranger, poster],
      });
    });

    it("twice reverts AlreadyCommitted", async () => {
      const { move, assertionId } = await committing();
      await scenario.surety.send(move);
      expect(await refused(move)).toEqual({ error: "AlreadyCommitted", args: [assertionId] });
    });

    it("for an unknown, final or refuted assertion reverts NotDisputable", async () => {
      const { surety } = scenario;
      const { move, args, assertionId } = await committing(honest);
      expect(await refused({ ...move, args: [999n, ...args.slice(1)] })).toEqual({
        error: "NotDisputable",
        args: [999n],
      });
      await surety.send({
        from: scenario.actors.stranger,
        to: surety.oracle,
        call: "finalise",
        args: [1n, scenario.output],
        time: (await surety.now()) + 100,
      });
      expect(await refused(move)).toEqual({ error: "NotDisputable", args: [assertionId] });
      const second = await scenario.posted(lie);
      const gameId = await scenario.open(second.assertionId, lie);
      await surety.send({ ...call("claimTimeout", [gameId]), time: (await surety.now()) + 1000 });
      const late = commitMove(surety, scenario.knows(lie), lie, second.assertionId);
      expect(await refused({ from: second.poster, ...late })).toMatchObject({ error: "NotDisputable" });
    });

    it.each<[string, (args: Committed) => unknown[], string]>([
      [
        "another header",
        ([a, q, root, header, ...rest]) => [a, q, root, { ...header, graphHash: ZERO_HASH }, ...rest],
        "HashMismatch",
      ],
      [
        "other outputs",
        ([a, q, root, header, , ...rest]) => [a, q, root, header, [ZERO_HASH], ...rest],
        "HashMismatch",
      ],
      [
        "more outputs",
        ([a, q, root, header, o, ...rest]) => [a, q, root, header, [...o, ...o], ...rest],
        "HashMismatch",
      ],
      ["another question", ([a, , ...rest]) => [a, ZERO_HASH, ...rest], "QuestionMismatch"],
      ["another root", ([a, q, , ...rest]) => [a, q, ZERO_HASH, ...rest], "HashMismatch"],
      ["too few nodes", ([a, q, r, h, o, p, c]) => [a, q, r, h, o, p, c.slice(1)], "WrongChildCount"],
      ["a wrong node", ([a, q, r, h, o, p, c]) => [a, q, r, h, o, p, [c[1], ...c.slice(1)]], "HashMismatch"],
      [
        "padding",
        ([a, q, r, h, o, p, c]) => [a, q, r, h, o, p, c.map((node, i) => (i === 35 ? c[0] : node))],
        "PaddingNotZero",
      ],
      ["a short proof", ([a, q, r, h, o, p, c]) => [a, q, r, h, o, p.slice(1), c], "OutputNotInTrace"],
      ["a long proof", ([a, q, r, h, o, p, c]) => [a, q, r, h, o, [...p, ZERO_HASH], c], "OutputNotInTrace"],
      [
        "a wrong proof",
        ([a, q, r, h, o, p, c]) => [a, q, r, h, o, [p[1], ...p.slice(1)], c],
        "OutputNotInTrace",
      ],
    ])("with %s reverts", async (_, change, error) => {
      const { move, args } = await committing();
      expect(await refused({ ...move, args: change(args) })).toMatchObject({ error });
    });

    it("of a trace whose output is not the posted one reverts OutputNotInTrace", async () => {
      const { assertionId, poster } = await scenario.posted(lie);
      const { args, ...move } = commitMove(scenario.surety, scenario.knows(honest), honest, assertionId);
      const posted = [toHex(lie.tensorRoot(69))];
      const changed = args?.map((value, i) => (i === 4 ? posted : value)) ?? [];
      expect(await refused({ from: poster, ...move, args: changed })).toEqual({
        error: "OutputNotInTrace",
        args: [],
      });
    });
  });
});
