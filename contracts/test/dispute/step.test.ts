import type { Hex } from "viem";
import { describe, expect, it } from "vitest";
import { disputedModel as model, PHASE, TURN, useDispute } from "../support/dispute.ts";
import { stepOf, viewOf } from "../support/players.ts";
import { assigneeOf, eventsOf, ZERO_ADDRESS, ZERO_HASH } from "../support/surety.ts";

describe("DisputeGame: the step, and money", () => {
  const { scenario, lie, honest, call, read, refused, stages, due } = useDispute();

  describe("step", () => {
    it("of a wrong element refutes the assertion, slashes the poster and pays the challenger", async () => {
      const { surety } = scenario;
      const { challenger } = scenario.actors;
      const { gameId, assertionId, requestId, posterAddress, view } = await stages.bytes();
      const held = await surety.balance(surety.addresses.game);
      const receipt = await surety.send({ from: challenger, ...due(view, gameId) });
      const { assertionBondWei, challengeBondWei, burnBps, minStakeWei } = surety.parameters;
      const burnedWei = (assertionBondWei * BigInt(burnBps)) / 10_000n;
      const paidWei = assertionBondWei - burnedWei;
      const posted = BigInt(lie.tensorBytes(66)[4_990] as number);
      const expected = BigInt(honest.tensorBytes(66)[4_990] as number);
      expect(eventsOf(receipt)).toMatchObject([
        {
          name: "StepJudged",
          args: { gameId, instruction: 66, element: 4_990, verdict: 1, posted, expected },
        },
        { name: "Credited", args: { account: challenger, amountWei: challengeBondWei } },
        { name: "Refuted", args: { assertionId, poster: posterAddress, challenger } },
        {
          name: "Slashed",
          args: { operator: posterAddress, amountWei: assertionBondWei, paidWei, burnedWei },
        },
        { name: "Credited", args: { account: challenger, amountWei: paidWei } },
        { name: "Reopened", args: { requestId, attempt: 1 } },
        {
          name: "GameEnded",
          args: {
            gameId,
            assertionId,
            outcome: PHASE.challengerWon,
            paidWei: challengeBondWei + paidWei,
            burnedWei,
          },
        },
      ]);
      // The next node is another one.
      expect([scenario.actors.alice, scenario.actors.bob].filter((who) => who !== posterAddress)).toEqual([
        await assigneeOf(surety, requestId),
      ]);
      expect(await read("creditOf", challenger)).toBe(challengeBondWei + paidWei);
      expect(await surety.read(surety.operators, "operatorOf", [posterAddress])).toMatchObject({
        stakeWei: minStakeWei - assertionBondWei,
        lockedWei: 0n,
        jailed: true,
      });
      expect(await surety.read(surety.oracle, "assertionOf", [assertionId])).toMatchObject({ refuted: true });
      expect((await surety.balance(surety.addresses.game)) - held).toBe(paidWei);
      await surety.send(call("withdraw", []));
      expect(await surety.balance(surety.addresses.game)).toBe(0n);
      expect(await viewOf(surety, gameId)).toMatchObject({ phase: "challenger-won", turn: "nobody" });
    });

    it("of a right element reverts ElementIsRight", async () => {
      const { gameId, view } = await stages.bytes();
      const step = stepOf(scenario.knows(lie), view, 4_991);
      expect(await refused(call("step", [gameId, view.node, model.header, step]))).toEqual({
        error: "ElementIsRight",
        args: [4_991n],
      });
    });

    type Step = ReturnType<typeof stepOf>;
    it.each<[string, (step: Step) => Partial<Step>, string]>([
      ["an element of another leaf", () => ({ element: 0 }), "ElementNotInLeaf"],
      ["an element beyond the tensor", () => ({ element: 5_000 }), "ElementNotInLeaf"],
      ["a leaf of another node", () => ({ element: 4_095, leaf: 15 }), "ChildOutOfRange"],
      ["a leaf beyond the tensor", () => ({ element: 5_120, leaf: 20 }), "ChildOutOfRange"],
      ["too few bytes", ({ leafBytes }) => ({ leafBytes: leafBytes.slice(0, -2) as Hex }), "WrongByteCount"],
      [
        "other bytes",
        ({ leafBytes }) => ({ leafBytes: leafBytes.replace(/..$/, "ee") as Hex }),
        "PathNotProven",
      ],
      ["a short path", ({ leafProof }) => ({ leafProof: leafProof.slice(1) }), "PathNotProven"],
      ["another instruction", () => ({ instruction: "0x00" }), "HashMismatch"],
      ["no operands", () => ({ operands: [] }), "WrongOperandCount"],
      [
        "unproven operands",
        ({ operands }) => ({ operands: operands.map((o) => ({ ...o, tensorProof: [] })) }),
        "OperandNotProven",
      ],
    ])("with %s reverts and changes nothing", async (_, change, error) => {
      const { gameId, view } = await stages.bytes();
      const step = stepOf(scenario.knows(lie), view);
      const changed = { ...step, ...change(step) };
      expect(await refused(call("step", [gameId, view.node, model.header, changed]))).toMatchObject({
        error,
      });
      await scenario.surety.send({ from: scenario.actors.challenger, ...due(view, gameId) });
    });

    it("with another header or node reverts HashMismatch, of another NotChallenger", async () => {
      const { gameId, view } = await stages.bytes();
      const step = stepOf(scenario.knows(lie), view);
      const header = { ...model.header, weightCount: 1 };
      expect(await refused(call("step", [gameId, view.node, header, step]))).toMatchObject({
        error: "HashMismatch",
      });
      const elsewhere = call("step", [gameId, ZERO_HASH, model.header, step]);
      expect(await refused(elsewhere)).toEqual({ error: "HashMismatch", args: [ZERO_HASH, view.node] });
      const move = call("step", [gameId, view.node, model.header, step], scenario.actors.second);
      expect(await refused(move)).toMatchObject({ error: "NotChallenger" });
    });

    it("before the walk is at bytes reverts WrongPhase or WrongHeight, before they are revealed NotYourTurn", async () => {
      const none = {
        leaf: 0,
        leafBytes: "0x",
        leafProof: [],
        element: 0,
        instruction: "0x",
        inputRoots: [],
        operands: [],
      };
      const trace = await stages.traceNodes();
      expect(await refused(call("step", [trace.gameId, trace.view.node, model.header, none]))).toEqual({
        error: "WrongPhase",
        args: [PHASE.trace, PHASE.tensor],
      });
      const tensor = await stages.tensorNodes();
      expect(await refused(call("step", [tensor.gameId, tensor.view.node, model.header, none]))).toEqual({
        error: "WrongHeight",
        args: [5n],
      });
      const hidden = await stages.bytesHidden();
      expect(await refused(call("step", [hidden.gameId, hidden.view.node, model.header, none]))).toEqual({
        error: "NotYourTurn",
        args: [TURN.poster],
      });
    });
  });

  describe("withdraw and onSlashed", () => {
    it("withdraw without credit reverts NothingToWithdraw", async () => {
      expect(await refused(call("withdraw", []))).toEqual({ error: "NothingToWithdraw", args: [] });
    });

    it("onSlashed by anybody but the operator registry reverts NotOperatorRegistry", async () => {
      const { stranger } = scenario.actors;
      expect(await refused({ ...call("onSlashed", [stranger], stranger), valueWei: 1n })).toEqual({
        error: "NotOperatorRegistry",
        args: [stranger],
      });
    });
  });

  it("parameters, constants and wiring are readable", async () => {
    const { addresses, parameters } = scenario.surety;
    const { challengeBondWei, burnBps, clockSeconds, extensionSeconds } = parameters;
    expect(await read("parameters")).toEqual({ challengeBondWei, burnBps, clockSeconds, extensionSeconds });
    expect(await read("REVEAL_LEVELS")).toBe(6n);
    expect(await read("BYTES_HEIGHT")).toBe(2n);
    expect(await read("oracle")).toBe(addresses.oracle);
    expect(await read("stepReferee")).toBe(addresses.referee);
    expect(await read("gameOf", 5n)).toMatchObject({ phase: PHASE.none, challenger: ZERO_ADDRESS });
    expect(await read("traceRootOf", 5n)).toBe(ZERO_HASH);
  });
});
