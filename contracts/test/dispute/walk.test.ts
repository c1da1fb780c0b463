import { toHex } from "@surety/engine";
import type { Hex } from "viem";
import { describe, expect, it } from "vitest";
import { disputedModel as model, PHASE, TURN, useDispute } from "../support/dispute.ts";
import { revealMove, viewOf } from "../support/players.ts";
import { eventOf, eventsOf, ZERO_HASH } from "../support/surety.ts";

describe("DisputeGame: walking down", () => {
  const { scenario, lie, call, refused, stages, due } = useDispute();

  describe("reveal", () => {
    it("may be made by anyone, and tells the nodes", async () => {
      const { gameId, assertionId, view } = await stages.traceHidden();
      const move = revealMove(scenario.surety, lie, gameId, view);
      const receipt = await scenario.surety.send({ from: scenario.actors.stranger, ...move });
      expect(eventsOf(receipt)).toMatchObject([
        {
          name: "NodeRevealed",
          args: {
            assertionId,
            inTensor: false,
            instruction: 0,
            height: 1,
            position: 33,
            children: move.args?.[2],
          },
        },
      ]);
      expect(await viewOf(scenario.surety, gameId)).toMatchObject({
        turn: "challenger",
        height: 1,
        position: 33,
      });
      expect(await refused({ from: scenario.actors.stranger, ...move })).toEqual({
        error: "AlreadyRevealed",
        args: [],
      });
    });

    it("inside a tensor tells the nodes six levels below, or down to the bytes", async () => {
      const { gameId, assertionId, view } = await stages.tensorHidden();
      expect(view).toMatchObject({ instruction: 66, height: 5, tensorBytes: 5_000, elementBytes: 1 });
      const move = revealMove(scenario.surety, lie, gameId, view);
      const receipt = await scenario.surety.send({ from: scenario.actors.stranger, ...move });
      const { children } = eventOf(receipt, "NodeRevealed") as { children: Hex[] };
      expect(eventsOf(receipt)).toMatchObject([
        { args: { assertionId, inTensor: true, instruction: 66, height: 5, position: 0 } },
      ]);
      expect(children).toHaveLength(8);
      expect(children.slice(5)).toEqual([ZERO_HASH, ZERO_HASH, ZERO_HASH]);
    });

    it("of an unknown game reverts UnknownGame", async () => {
      expect(await refused(call("reveal", [9n, ZERO_HASH, []]))).toEqual({
        error: "UnknownGame",
        args: [9n],
      });
    });

    it("before the commitment and after the end reverts WrongPhase", async () => {
      const { gameId, posterAddress } = await stages.commit();
      const reveal = call("reveal", [gameId, ZERO_HASH, []]);
      expect(await refused(reveal)).toEqual({ error: "WrongPhase", args: [PHASE.commit, PHASE.trace] });
      await scenario.play(gameId, lie, posterAddress);
      expect(await refused(reveal)).toEqual({
        error: "WrongPhase",
        args: [PHASE.challengerWon, PHASE.trace],
      });
    });

    it.each<[string, (args: [bigint, Hex, Hex[]]) => unknown[], string]>([
      ["naming another node", ([id, , c]) => [id, ZERO_HASH, c], "HashMismatch"],
      ["with too few nodes", ([id, node, c]) => [id, node, c.slice(1)], "WrongChildCount"],
      ["with a wrong node", ([id, node, c]) => [id, node, [c[1], ...c.slice(1)]], "HashMismatch"],
      [
        "with something beyond the last leaf",
        ([id, node, c]) => [id, node, [...c.slice(0, 7), c[0]]],
        "PaddingNotZero",
      ],
    ])("%s reverts", async (_, change, error) => {
      const { gameId, view } = await stages.tensorHidden();
      const { args, ...move } = revealMove(scenario.surety, lie, gameId, view);
      const changed = change(args as [bigint, Hex, Hex[]]);
      expect(await refused({ from: scenario.actors.stranger, ...move, args: changed })).toMatchObject({
        error,
      });
    });

    it("of a node that is revealed as bytes reverts WrongHeight", async () => {
      const { gameId, view } = await stages.bytesHidden();
      expect(await refused(call("reveal", [gameId, view.node, []]))).toEqual({
        error: "WrongHeight",
        args: [2n],
      });
    });
  });

  describe("revealBytes", () => {
    it("tells the bytes below the node, to the tensor's end", async () => {
      const { gameId, assertionId, view } = await stages.bytesHidden();
      const move = revealMove(scenario.surety, lie, gameId, view);
      const receipt = await scenario.surety.send({ from: scenario.actors.stranger, ...move });
      const data = toHex(lie.tensorBytes(66).slice(4_096));
      expect(eventsOf(receipt)).toMatchObject([
        { name: "BytesRevealed", args: { assertionId, instruction: 66, height: 2, position: 4, data } },
      ]);
    });

    it.each<[string, (args: [bigint, Hex, Hex]) => unknown[], string]>([
      ["naming another node", ([id, , data]) => [id, ZERO_HASH, data], "HashMismatch"],
      ["with too few bytes", ([id, node, data]) => [id, node, data.slice(0, -2)], "WrongByteCount"],
      [
        "with a full node's bytes at the tensor's end",
        ([id, node, data]) => [id, node, data.padEnd(2050, "0")],
        "WrongByteCount",
      ],
      ["with wrong bytes", ([id, node, data]) => [id, node, data.replace(/..$/, "ee")], "HashMismatch"],
    ])("%s reverts", async (_, change, error) => {
      const { gameId, view } = await stages.bytesHidden();
      const { args, ...move } = revealMove(scenario.surety, lie, gameId, view);
      const changed = change(args as [bigint, Hex, Hex]);
      expect(await refused({ from: scenario.actors.stranger, ...move, args: changed })).toMatchObject({
        error,
      });
    });

    it("of a node of the trace reverts WrongPhase, of a high node of a tensor WrongHeight", async () => {
      const trace = await stages.traceHidden();
      expect(await refused(call("revealBytes", [trace.gameId, trace.view.node, "0x"]))).toEqual({
        error: "WrongPhase",
        args: [PHASE.trace, PHASE.tensor],
      });
      const tensor = await stages.tensorHidden();
      expect(await refused(call("revealBytes", [tensor.gameId, tensor.view.node, "0x"]))).toEqual({
        error: "WrongHeight",
        args: [5n],
      });
    });
  });

  describe("select", () => {
    it("goes down to the picked node", async () => {
      const { gameId, view } = await stages.traceNodes();
      const receipt = await scenario.surety.send({ from: scenario.actors.challenger, ...due(view, gameId) });
      const node = toHex(lie.tree.node(1, 33));
      expect(eventsOf(receipt)).toMatchObject([
        {
          name: "NodeSelected",
          args: { gameId, inTensor: false, instruction: 0, height: 1, position: 33, node },
        },
      ]);
      expect(await viewOf(scenario.surety, gameId)).toMatchObject({
        turn: "poster",
        height: 1,
        position: 33,
        node,
      });
    });

    it("by anybody but the game's challenger reverts NotChallenger", async () => {
      const { gameId, view } = await stages.traceNodes();
      const { second, challenger } = scenario.actors;
      expect(await refused({ from: second, ...due(view, gameId) })).toEqual({
        error: "NotChallenger",
        args: [second, challenger],
      });
    });

    it.each<[string, (args: unknown[]) => unknown[], string]>([
      ["naming another node", ([id, , ...rest]) => [id, ZERO_HASH, ...rest], "HashMismatch"],
      [
        "a child beyond the last instruction",
        ([id, node, , , proof]) => [id, node, 35, ZERO_HASH, proof],
        "ChildOutOfRange",
      ],
      ["another child hash", ([id, node, child, , proof]) => [id, node, child, node, proof], "PathNotProven"],
      [
        "a short proof",
        ([id, node, child, hash, proof]) => [id, node, child, hash, (proof as Hex[]).slice(1)],
        "PathNotProven",
      ],
    ])("%s reverts", async (_, change, error) => {
      const { gameId, view } = await stages.traceNodes();
      const { args, ...move } = due(view, gameId);
      const changed = change(args as unknown[]);
      expect(await refused({ from: scenario.actors.challenger, ...move, args: changed })).toMatchObject({
        error,
      });
    });

    it("while the poster must reveal reverts NotYourTurn, before the commitment WrongPhase", async () => {
      const hidden = await stages.traceHidden();
      expect(await refused(call("select", [hidden.gameId, hidden.view.node, 0, ZERO_HASH, []]))).toEqual({
        error: "NotYourTurn",
        args: [TURN.poster],
      });
      const open = await stages.commit();
      expect(await refused(call("select", [open.gameId, ZERO_HASH, 0, ZERO_HASH, []]))).toEqual({
        error: "WrongPhase",
        args: [PHASE.commit, PHASE.trace],
      });
    });

    it("where a tensor is to be picked, or bytes to be judged, reverts WrongHeight", async () => {
      const tensors = await stages.tensors();
      const pick = due(tensors.view, tensors.gameId).args?.slice(0, 5) as unknown[];
      expect(await refused(call("select", pick))).toEqual({ error: "WrongHeight", args: [1n] });
      const bytes = await stages.bytes();
      expect(await refused(call("select", [bytes.gameId, bytes.view.node, 0, ZERO_HASH, []]))).toEqual({
        error: "WrongHeight",
        args: [2n],
      });
    });
  });

  describe("selectTensor", () => {
    it("goes on at the top of the picked tensor", async () => {
      const { gameId, view } = await stages.tensors();
      const receipt = await scenario.surety.send({ from: scenario.actors.challenger, ...due(view, gameId) });
      const node = toHex(lie.tensorRoot(66));
      expect(eventsOf(receipt)).toMatchObject([
        {
          name: "NodeSelected",
          args: { gameId, inTensor: true, instruction: 66, height: 5, position: 0, node },
        },
      ]);
      expect(await viewOf(scenario.surety, gameId)).toMatchObject({
        phase: "tensor",
        turn: "poster",
        node,
        height: 5,
        position: 0,
        instruction: 66,
        instructionHash: toHex(model.programTree.node(0, 66)),
        tensorBytes: 5_000,
        elementBytes: 1,
      });
    });

    it.each<[string, (args: unknown[]) => unknown[], string]>([
      ["naming another node", ([id, , ...rest]) => [id, ZERO_HASH, ...rest], "HashMismatch"],
      ["another child hash", ([id, n, c, , ...rest]) => [id, n, c, ZERO_HASH, ...rest], "PathNotProven"],
      ["a child that does not exist", ([id, n, , ...rest]) => [id, n, 2, ...rest], "ChildOutOfRange"],
      [
        "another header",
        ([id, n, c, h, p, header, ...rest]) => [
          id,
          n,
          c,
          h,
          p,
          { ...(header as object), weightsRoot: n },
          ...rest,
        ],
        "HashMismatch",
      ],
      [
        "another instruction",
        ([id, n, c, h, p, header, , proof]) => [id, n, c, h, p, header, "0x00", proof],
        "InstructionNotInProgram",
      ],
      [
        "a short proof",
        ([id, n, c, h, p, header, i, proof]) => [id, n, c, h, p, header, i, (proof as Hex[]).slice(1)],
        "InstructionNotInProgram",
      ],
    ])("%s reverts", async (_, change, error) => {
      const { gameId, view } = await stages.tensors();
      const { args, ...move } = due(view, gameId);
      const changed = change(args as unknown[]);
      expect(await refused({ from: scenario.actors.challenger, ...move, args: changed })).toMatchObject({
        error,
      });
    });

    it("where nodes are to be picked reverts WrongHeight, inside a tensor WrongPhase, of another NotChallenger", async () => {
      const nodes = await stages.traceNodes();
      const args = (id: bigint, node: Hex) => [id, node, 0, ZERO_HASH, [], model.header, "0x", []];
      expect(await refused(call("selectTensor", args(nodes.gameId, nodes.view.node)))).toEqual({
        error: "WrongHeight",
        args: [7n],
      });
      const tensor = await stages.tensorNodes();
      expect(await refused(call("selectTensor", args(tensor.gameId, tensor.view.node)))).toEqual({
        error: "WrongPhase",
        args: [PHASE.tensor, PHASE.trace],
      });
      const move = args(tensor.gameId, tensor.view.node);
      expect(await refused(call("selectTensor", move, scenario.actors.second))).toMatchObject({
        error: "NotChallenger",
      });
    });
  });
});
