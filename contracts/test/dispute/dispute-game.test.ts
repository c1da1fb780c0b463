import { toHex } from "@surety/engine";
import type { GameView } from "@surety/protocol";
import { type Address, encodeAbiParameters, type Hex, keccak256 } from "viem";
import { describe, expect, it } from "vitest";
import { inputOperand, mapInstruction, operation } from "../support/instructions.ts";
import { countingModel, makeModel, outputRootOf, questionFor, runModel } from "../support/models.ts";
import { challengerMove, commitMove, play, revealMove, stepOf, viewOf } from "../support/players.ts";
import { requestOf, useSurety } from "../support/scenario.ts";
import { assigneeOf, eventOf, eventsOf, ZERO_ADDRESS, ZERO_HASH } from "../support/surety.ts";

const PHASE = { none: 0, commit: 1, trace: 2, tensor: 3, challengerWon: 4, posterWon: 5, void: 6 };
const TURN = { nobody: 0, poster: 1, challenger: 2, posterTimedOut: 3, challengerTimedOut: 4 };

/** 70 instructions (two reveals) of 5,000 bytes: 20 leaves, the last one short, in a tree of 32. */
const model = countingModel(70, 5_000);
const input = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7 + (i >> 8) * 13) & 0xff);
const LIE = { instruction: 66, byte: 4_990 };

describe("DisputeGame", () => {
  const scenario = useSurety(model, input);
  const lie = scenario.lie(LIE);
  const { honest } = scenario;

  const game = () => scenario.surety.game;
  const call = (name: string, args: readonly unknown[], from: Address = scenario.actors.challenger) => ({
    from,
    to: game(),
    call: name,
    args,
  });
  const read = <Result>(name: string, ...args: readonly unknown[]) =>
    scenario.surety.read<Result>(game(), name, args);
  const refused = (parameters: Parameters<typeof scenario.surety.refused>[0]) =>
    scenario.surety.refused(parameters);

  /** A lie, challenged and played until `until`. */
  const playedUntil = async (until: (view: GameView) => boolean, poster = lie) => {
    const { assertionId, poster: posterAddress, requestId } = await scenario.posted(poster);
    const gameId = await scenario.open(assertionId, poster);
    await play(scenario.surety, scenario.knows(poster), { gameId, posterAddress, until });
    return { gameId, assertionId, requestId, posterAddress, view: await viewOf(scenario.surety, gameId) };
  };
  const stages = {
    commit: () => playedUntil(({ phase }) => phase === "commit"),
    /** The poster must reveal, the challenger may pick: nodes of the trace. */
    traceNodes: () => playedUntil(({ phase }) => phase === "trace"),
    traceHidden: () => playedUntil(({ phase, turn }) => phase === "trace" && turn === "poster"),
    tensors: () =>
      playedUntil(({ phase, height, turn }) => phase === "trace" && height === 1 && turn === "challenger"),
    tensorHidden: () => playedUntil(({ phase }) => phase === "tensor"),
    tensorNodes: () => playedUntil(({ phase, turn }) => phase === "tensor" && turn === "challenger"),
    bytesHidden: () => playedUntil(({ phase, height }) => phase === "tensor" && height === 2),
    bytes: () =>
      playedUntil(({ phase, height, turn }) => phase === "tensor" && height === 2 && turn === "challenger"),
  };
  const due = (view: GameView, gameId: bigint) =>
    challengerMove(scenario.surety, scenario.knows(lie), gameId, view);

  describe("open", () => {
    it("takes the bond and waits for the poster's commitment", async () => {
      const { surety } = scenario;
      const { challenger } = scenario.actors;
      const { assertionId } = await scenario.posted(lie);
      const bondWei = surety.parameters.challengeBondWei;
      const receipt = await surety.send({
        ...call("open", [assertionId, scenario.question, outputRootOf(model, lie)]),
        valueWei: bondWei,
      });
      const args = [assertionId, scenario.question, outputRootOf(model, lie), challenger];
      const types = ["uint256", "bytes32", "bytes32", "address"].map((type) => ({ type }));
      const gameId = BigInt(keccak256(encodeAbiParameters(types, args)));
      expect(await read("gameIdOf", ...args)).toBe(gameId);
      expect(eventsOf(receipt)).toMatchObject([
        { name: "GameOpened", args: { gameId, assertionId, challenger } },
      ]);
      expect(await read("gameOf", gameId)).toEqual({
        assertionId,
        challenger,
        phase: PHASE.commit,
        turn: TURN.poster,
        turnEndsAt: (await surety.now()) + surety.parameters.clockSeconds,
        posterSecondsLeft: surety.parameters.clockSeconds,
        challengerSecondsLeft: surety.parameters.clockSeconds,
        node: ZERO_HASH,
        height: 0,
        position: 0,
        instruction: 0,
        instructionHash: ZERO_HASH,
        tensorBytes: 0,
        elementBytes: 0,
        bondWei,
      });
      expect(await surety.read(surety.oracle, "assertionOf", [assertionId])).toMatchObject({ openGames: 1 });
      expect(await surety.balance(surety.addresses.game)).toBe(bondWei);
    });

    it("with another bond reverts WrongBond", async () => {
      const { assertionId } = await scenario.posted(lie);
      const bondWei = scenario.surety.parameters.challengeBondWei;
      for (const valueWei of [bondWei - 1n, bondWei + 1n]) {
        const open = call("open", [assertionId, scenario.question, outputRootOf(model, lie)]);
        expect(await refused({ ...open, valueWei })).toEqual({
          error: "WrongBond",
          args: [valueWei, bondWei],
        });
      }
    });

    const bonded = (args: readonly unknown[]) => ({
      ...call("open", args),
      valueWei: scenario.surety.parameters.challengeBondWei,
    });

    it("naming another output root reverts HashMismatch: a reorg cannot retarget it", async () => {
      const { assertionId } = await scenario.posted(lie);
      expect(await refused(bonded([assertionId, scenario.question, outputRootOf(model, honest)]))).toEqual({
        error: "HashMismatch",
        args: [outputRootOf(model, honest), outputRootOf(model, lie)],
      });
    });

    it("naming another question reverts QuestionMismatch: a reorg cannot turn it on a right answer", async () => {
      const { assertionId } = await scenario.posted(lie);
      expect(await refused(bonded([assertionId, ZERO_HASH, outputRootOf(model, lie)]))).toEqual({
        error: "QuestionMismatch",
        args: [ZERO_HASH, scenario.question],
      });
    });

    it("a second time by the same challenger reverts GameExists, also when the first game is over", async () => {
      const { surety } = scenario;
      const { assertionId } = await scenario.posted(honest);
      const gameId = await scenario.open(assertionId, honest);
      const again = bonded([assertionId, scenario.question, outputRootOf(model, honest)]);
      expect(await refused(again)).toEqual({ error: "GameExists", args: [gameId] });
      expect(await surety.read(surety.oracle, "assertionOf", [assertionId])).toMatchObject({ openGames: 1 });
    });

    it("of an unknown assertion reverts UnknownAssertion", async () => {
      expect(await refused(bonded([256n, ZERO_HASH, ZERO_HASH]))).toEqual({
        error: "UnknownAssertion",
        args: [256n],
      });
    });

    it("is possible to the window's last second and not after it", async () => {
      const { assertionId } = await scenario.posted(lie);
      const windowEndsAt = (await scenario.surety.now()) + scenario.surety.parameters.challengeWindowSeconds;
      const open = bonded([assertionId, scenario.question, outputRootOf(model, lie)]);
      await scenario.surety.send({ ...open, time: windowEndsAt - 1 });
      const late = { ...open, from: scenario.actors.second, time: windowEndsAt };
      expect(await refused(late)).toEqual({
        error: "WindowClosed",
        args: [BigInt(windowEndsAt)],
      });
    });

    it("of a refuted assertion reverts AlreadyRefuted", async () => {
      const { assertionId, poster } = await scenario.posted(lie);
      const gameId = await scenario.open(assertionId, lie);
      await scenario.play(gameId, lie, poster);
      const again = bonded([assertionId, scenario.question, outputRootOf(model, lie)]);
      expect(await refused({ ...again, from: scenario.actors.second })).toEqual({
        error: "AlreadyRefuted",
        args: [assertionId],
      });
    });
  });

  type Committed = [bigint, Hex, Hex, typeof model.header, Hex[], Hex[], Hex[]];

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

describe("DisputeGame: programs of every shape", () => {
  const scenario = useSurety(model, input);

  /** Registers a model, has a lie about it posted and challenged, and plays to the end. */
  const dispute = async (
    other: typeof model,
    data: Uint8Array,
    lie: ReturnType<typeof runModel>,
    own: ReturnType<typeof runModel>,
  ) => {
    const { surety } = scenario;
    const { alice, requester, challenger } = scenario.actors;
    await surety.send({ from: requester, to: surety.registry, call: "register", args: [other.header, ""] });
    await surety.send({ from: alice, to: surety.operators, call: "joinModel", args: [other.modelId] });
    const request = await requestOf(surety, other, data, { delivery: "pull", callbackGas: 0 });
    const call = { from: requester, to: surety.oracle, call: "requestInference", args: [request] };
    await surety.send({ ...call, valueWei: scenario.feeOf(0) });
    const output = toHex(
      Buffer.concat(other.header.outputs.map(({ instruction }) => lie.tensorBytes(instruction))),
    );
    await surety.send({
      from: alice,
      to: surety.oracle,
      call: "post",
      args: [1n, questionFor(other, [data]), output],
    });
    const gameId = await scenario.open(256n, lie, challenger, other, data);
    const moves = await play(
      surety,
      { model: other, inputs: [data], own, poster: lie },
      { gameId, posterAddress: alice },
    );
    return { gameId, moves, view: await viewOf(surety, gameId) };
  };

  it.each<[string, number, number, number[] | undefined, { instruction: number; byte: number }, number]>([
    ["one instruction of one byte", 1, 1, undefined, { instruction: 0, byte: 0 }, 4],
    ["one instruction of one leaf", 1, 256, undefined, { instruction: 0, byte: 255 }, 4],
    ["one instruction of two leaves", 1, 257, undefined, { instruction: 0, byte: 256 }, 4],
    ["two instructions, three leaves", 2, 600, undefined, { instruction: 0, byte: 599 }, 4],
    ["a lie only in the output", 5, 1_024, undefined, { instruction: 4, byte: 1_023 }, 4],
    ["a tensor of one node above the bytes", 3, 1_025, undefined, { instruction: 1, byte: 1_024 }, 6],
    ["64 instructions: one reveal", 64, 10, undefined, { instruction: 63, byte: 9 }, 4],
    ["65 instructions: two reveals", 65, 10, undefined, { instruction: 64, byte: 9 }, 6],
    ["several outputs in any order, one twice", 9, 300, [8, 2, 5, 2], { instruction: 2, byte: 299 }, 4],
  ])("%s: the lie is found", async (_, instructions, elements, outputs, lie, expectedMoves) => {
    const other = countingModel(instructions, elements, outputs);
    const data = input.slice(0, elements);
    const told = runModel(other, [data], lie);
    const { moves, view } = await dispute(other, data, told, runModel(other, [data]));
    expect(view.phase).toBe("challenger-won");
    const step = moves.at(-1);
    expect(step?.call).toBe("step");
    expect(step && eventOf(step.receipt, "StepJudged")).toMatchObject({
      instruction: lie.instruction,
      element: lie.byte,
    });
    expect(moves).toHaveLength(expectedMoves);
  });

  it("a lie in the upper half of an i64 is found, and judged by all its 64 bits", async () => {
    const elements = 300;
    const product = mapInstruction({
      outDtype: "i64",
      outDims: [elements],
      operands: [inputOperand("i64", 0, elements)],
      expression: [operation("load"), operation("int", 0, 0, -3), operation("lmul", 0, 1)],
    });
    const other = makeModel({ instructions: [product], inputBytes: [8 * elements] });
    const data = Uint8Array.from({ length: 8 * elements }, (_, i) => (i * 151) ^ (i >> 3));
    const told = runModel(other, [data], { instruction: 0, byte: 8 * 77 + 6 });
    const { moves, view } = await dispute(other, data, told, runModel(other, [data]));
    expect(view.phase).toBe("challenger-won");
    const expected = BigInt.asUintN(64, Buffer.from(data).readBigInt64LE(8 * 77) * -3n);
    const last = moves.at(-1);
    expect(last && eventOf(last.receipt, "StepJudged")).toMatchObject({
      element: 77,
      verdict: 1,
      posted: expected ^ (0x55n << 48n),
      expected,
    });
  });

  it("an instruction that is malformed by its own bytes ends the game when its tensor is picked", async () => {
    const plain = countingModel(3, 300);
    const broken = makeModel({
      instructions: plain.instructions,
      inputBytes: [300],
      encoded: { 1: Uint8Array.from([0xff, 1, 2, 3]) },
    });
    const data = input.slice(0, 300);
    const told = runModel(plain, [data], { instruction: 1, byte: 7 });
    const { moves, view } = await dispute(broken, data, told, runModel(plain, [data]));
    expect(view.phase).toBe("challenger-won");
    const last = moves.at(-1);
    expect(last?.call).toBe("selectTensor");
    expect(last && eventOf(last.receipt, "StepJudged")).toMatchObject({ verdict: 2, instruction: 1 });
  });
});
