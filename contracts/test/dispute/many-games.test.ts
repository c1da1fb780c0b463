import { type Address, encodeAbiParameters, type Hex, keccak256, toHex } from "viem";
import { describe, expect, it } from "vitest";
import { countingModel, outputOf, outputRootOf } from "../support/models.ts";
import { challengerMove, play, revealMove, viewOf } from "../support/players.ts";
import { useSurety } from "../support/scenario.ts";
import { assigneeOf, eventOf, eventsOf, ZERO_ADDRESS } from "../support/surety.ts";

const model = countingModel(70, 5_000);
const input = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7 + (i >> 8) * 13) & 0xff);

describe("DisputeGame: many games on one assertion", () => {
  const scenario = useSurety(model, input);
  const lie = scenario.lie({ instruction: 66, byte: 4_990 }, { instruction: 3, byte: 17 });
  const call = (name: string, args: readonly unknown[], from: Address = scenario.actors.stranger) => ({
    from,
    to: scenario.surety.game,
    call: name,
    args,
  });

  const twoGames = async (trace = lie) => {
    const { assertionId, poster, requestId } = await scenario.posted(trace);
    const first = await scenario.open(assertionId, trace);
    const second = await scenario.open(assertionId, trace, scenario.actors.second);
    return { assertionId, poster, requestId, first, second };
  };

  it("one won game refutes; the others are void and get their bonds back", async () => {
    const { surety } = scenario;
    const { challenger, second: rival } = scenario.actors;
    const { poster, first, second, assertionId } = await twoGames();
    await scenario.play(first, lie, poster);
    expect(await viewOf(surety, first)).toMatchObject({ phase: "challenger-won" });
    expect(await viewOf(surety, second)).toMatchObject({ phase: "void", turn: "nobody" });

    const { challengeBondWei, assertionBondWei, burnBps } = surety.parameters;
    const receipt = await surety.send(call("closeVoid", [second]));
    expect(eventsOf(receipt)).toMatchObject([
      { name: "Credited", args: { account: rival, amountWei: challengeBondWei } },
      {
        name: "GameEnded",
        args: { gameId: second, assertionId, outcome: 6, paidWei: challengeBondWei, burnedWei: 0n },
      },
    ]);
    expect(await surety.refused(call("closeVoid", [second]))).toEqual({ error: "WrongPhase", args: [6, 6] });
    // Bonds in = paid + burned + held.
    const burnedWei = (assertionBondWei * BigInt(burnBps)) / 10_000n;
    const owed = 2n * challengeBondWei + assertionBondWei - burnedWei;
    expect(await surety.balance(surety.addresses.game)).toBe(owed);
    await surety.send(call("withdraw", [], challenger));
    await surety.send(call("withdraw", [], rival));
    expect(await surety.balance(surety.addresses.game)).toBe(0n);
    expect(await surety.balance(surety.addresses.operators)).toBe(
      2n * surety.parameters.minStakeWei - assertionBondWei,
    );
  });

  it("a finished game accepts nothing, a void one only closeVoid", async () => {
    const { surety } = scenario;
    const { poster, first, second } = await twoGames();
    await play(surety, scenario.knows(lie), {
      gameId: second,
      posterAddress: poster,
      until: ({ phase, turn }) => phase === "tensor" && turn === "challenger",
    });
    const before = await viewOf(surety, second);
    const select = {
      from: scenario.actors.second,
      ...challengerMove(surety, scenario.knows(lie), second, before),
    };
    await scenario.play(first, lie, poster);
    expect(await surety.refused(select)).toEqual({ error: "WrongPhase", args: [6, 2] });
    expect(await surety.refused(call("claimTimeout", [second]))).toEqual({ error: "NoTimeout", args: [0] });
    expect(await surety.refused(call("closeVoid", [first]))).toEqual({ error: "WrongPhase", args: [4, 6] });
    await surety.send(call("closeVoid", [second]));
  });

  it("closeVoid of a live or unknown game reverts", async () => {
    const { second } = await twoGames();
    expect(await scenario.surety.refused(call("closeVoid", [second]))).toEqual({
      error: "WrongPhase",
      args: [1, 6],
    });
    expect(await scenario.surety.refused(call("closeVoid", [99n]))).toEqual({
      error: "UnknownGame",
      args: [99n],
    });
  });

  it("a lost or idle game saves nothing: a shill that times out leaves the others to win", async () => {
    const { surety } = scenario;
    const { poster, first, second, requestId } = await twoGames();
    // The poster's own friend opened the first game and never moves.
    await play(surety, scenario.knows(lie), {
      gameId: second,
      posterAddress: poster,
      until: ({ turn }) => turn === "challenger",
    });
    const { turnEndsAt } = await viewOf(surety, first);
    // The second challenger plays on in time; the first is idle.
    const move = challengerMove(surety, scenario.knows(lie), second, await viewOf(surety, second));
    await surety.send({ from: scenario.actors.second, ...move });
    await surety.send({ ...call("claimTimeout", [first]), time: turnEndsAt + 1 });
    expect(await viewOf(surety, first)).toMatchObject({ phase: "poster-won" });
    expect(
      await surety.refused({
        from: poster,
        to: surety.oracle,
        call: "finalise",
        args: [requestId, scenario.output],
      }),
    ).toEqual({ error: "GamesOpen", args: [1n] });
    await surety.send(call("claimTimeout", [second]));
    expect(await viewOf(surety, second)).toMatchObject({ phase: "challenger-won" });
    expect(await surety.read(surety.oracle, "requestOf", [requestId])).toMatchObject({
      status: 1,
      attempt: 1,
    });
  });

  it("a reveal made once serves every game: the second challenger's turn comes at once", async () => {
    const { surety } = scenario;
    const { assertionId, poster, first, second } = await twoGames();
    await play(surety, scenario.knows(lie), {
      gameId: first,
      posterAddress: poster,
      until: ({ phase, height, turn }) => phase === "tensor" && height < 5 && turn === "challenger",
    });
    const reveals = async () => {
      const moves = await play(surety, scenario.knows(lie), {
        gameId: second,
        posterAddress: poster,
        until: ({ phase, height, turn }) => phase === "tensor" && height < 5 && turn === "challenger",
      });
      return moves.filter(({ by }) => by === "poster");
    };
    const view = await viewOf(surety, second);
    expect(view).toMatchObject({ phase: "trace", turn: "challenger" });
    expect(await reveals()).toEqual([]);
    const done = await viewOf(surety, second);
    // Of its clock only the second until the commitment is gone.
    expect(done.posterSecondsLeft).toBe(surety.parameters.clockSeconds - 1);
    // Even a game opened now is at the challenger's turn.
    const third = await scenario.open(assertionId, lie, scenario.actors.stranger);
    expect(await viewOf(surety, third)).toMatchObject({
      phase: "trace",
      turn: "challenger",
      posterSecondsLeft: 60,
    });
  });

  it("a standing reveal starts the challenger's clock at its selection, one to come at the reveal", async () => {
    const { surety } = scenario;
    const { poster, first, second } = await twoGames();
    await play(surety, scenario.knows(lie), {
      gameId: first,
      posterAddress: poster,
      until: ({ turn }) => turn === "challenger",
    });
    // Both pick the same node; the poster reveals it 20 s later through the first game.
    for (const [gameId, from] of [
      [first, scenario.actors.challenger],
      [second, scenario.actors.second],
    ] as const) {
      await surety.send({
        from,
        ...challengerMove(surety, scenario.knows(lie), gameId, await viewOf(surety, gameId)),
      });
    }
    const reveal = revealMove(surety, lie, first, await viewOf(surety, first));
    const revealedAt = (await surety.now()) + 20;
    await surety.send({ from: poster, ...reveal, time: revealedAt });
    const [a, b] = [await viewOf(surety, first), await viewOf(surety, second)];
    expect(a.turnEndsAt).toBe(revealedAt + a.challengerSecondsLeft);
    expect(b.turnEndsAt).toBe(revealedAt + b.challengerSecondsLeft);
    // The second game's selection came one second later: the poster used one second less in it.
    expect(b.posterSecondsLeft - a.posterSecondsLeft).toBe(1 + 1);
    expect(await surety.refused({ from: poster, ...revealMove(surety, lie, second, b) })).toMatchObject({
      error: "AlreadyRevealed",
    });
  });

  it("two lies: either game may win by its own", async () => {
    const { surety } = scenario;
    const { poster, first, second } = await twoGames();
    // The second challenger has the first lie in its own run and so finds the other one.
    const half = scenario.lie({ instruction: 3, byte: 17 });
    const moves = await scenario.play(second, lie, poster, half);
    expect(eventOf(moves.at(-1)?.receipt as never, "StepJudged")).toMatchObject({
      instruction: 66,
      element: 4_990,
    });
    expect(await viewOf(surety, second)).toMatchObject({ phase: "challenger-won" });
    expect(await viewOf(surety, first)).toMatchObject({ phase: "void" });
  });

  it("an honest poster wins every game, and only then its answer is final", async () => {
    const { surety, honest } = scenario;
    const { assertionId, poster, requestId, first, second } = await twoGames(honest);
    const finalise = {
      from: poster,
      to: surety.oracle,
      call: "finalise",
      args: [requestId, scenario.output],
    };
    for (const gameId of [first, second]) {
      // The wrong challenger walks to the bytes and finds no element that the chain calls wrong.
      const moves = await play(surety, scenario.knows(honest, lie), {
        gameId,
        posterAddress: poster,
        until: ({ phase, height, turn }) => phase === "tensor" && height <= 2 && turn === "challenger",
      });
      expect(moves.filter(({ by }) => by === "poster")).toHaveLength(gameId === first ? 4 : 0);
      const view = await viewOf(surety, gameId);
      const step = challengerMove(surety, scenario.knows(honest, lie), gameId, view);
      expect(await surety.refused({ from: view.challenger, ...step })).toMatchObject({
        error: "ElementIsRight",
      });
    }
    for (const gameId of [first, second]) {
      const time = Math.max((await viewOf(surety, gameId)).turnEndsAt, await surety.now()) + 1;
      expect(await surety.refused({ ...finalise, time: time + 10 })).toMatchObject({ error: "GamesOpen" });
      await surety.send(call("claimTimeout", [gameId]));
      expect(await viewOf(surety, gameId)).toMatchObject({ phase: "poster-won" });
    }
    await surety.send(finalise);
    const { challengeBondWei, burnBps } = surety.parameters;
    const won = challengeBondWei - (challengeBondWei * BigInt(burnBps)) / 10_000n;
    expect(await surety.read(surety.game, "creditOf", [poster])).toBe(2n * won);
    expect(await surety.read(surety.oracle, "assertionOf", [assertionId])).toMatchObject({
      finalised: true,
      openGames: 0,
    });
  });

  it("a refuted request is answered right by another node, and the liar is never assigned again", async () => {
    const { surety } = scenario;
    const { poster, first, requestId } = await twoGames();
    await scenario.play(first, lie, poster);
    const assignee = await assigneeOf(surety, requestId);
    expect(assignee).not.toBe(poster);
    const posted = await surety.send({
      from: assignee,
      to: surety.oracle,
      call: "post",
      args: [requestId, scenario.question, scenario.output],
    });
    expect(eventOf(posted, "Posted")).toMatchObject({ assertionId: requestId * 256n + 1n });
    await surety.send({
      from: assignee,
      to: surety.oracle,
      call: "finalise",
      args: [requestId, scenario.output],
      time: (await surety.now()) + surety.parameters.challengeWindowSeconds,
    });
    expect(await surety.read(surety.oracle, "resultOf", [requestId])).toBe(
      outputRootOf(model, scenario.honest),
    );
    for (let i = 0; i < 4; i++) expect((await scenario.request()).assignee).toBe(assignee);
  });

  it("with nobody left, a reopened request waits for anyone and is refunded at last", async () => {
    const { surety } = scenario;
    const { alice, bob, requester } = scenario.actors;
    const { requestId, first } = await twoGames();
    const { poster } = await surety.read<{ poster: Address }>(surety.oracle, "assertionOf", [
      requestId * 256n,
    ]);
    const other = poster === alice ? bob : alice;
    await surety.send({ from: other, to: surety.operators, call: "leaveModel", args: [model.modelId] });
    const receipt = await surety.send({ ...call("claimTimeout", [first]), time: (await surety.now()) + 100 });
    expect(eventOf(receipt, "Reopened")).toMatchObject({ requestId, attempt: 1 });
    expect(await assigneeOf(surety, requestId)).toBe(ZERO_ADDRESS);
    // Who joins later may answer at once.
    const id = await surety.snapshot();
    await surety.send({ from: other, to: surety.operators, call: "joinModel", args: [model.modelId] });
    await surety.send({
      from: other,
      to: surety.oracle,
      call: "post",
      args: [requestId, scenario.question, scenario.output],
    });
    await surety.revert(id);
    const { deadline } = await surety.read<{ deadline: number }>(surety.oracle, "requestOf", [requestId]);
    const refund = { from: requester, to: surety.oracle, call: "refund", args: [requestId] };
    await surety.send({ ...refund, time: deadline + 1 });
    expect(await surety.read(surety.oracle, "creditOf", [requester])).toBe(scenario.feeOf());
  });

  it("after 255 refuted attempts the fee goes back to the requester", async () => {
    const { surety } = scenario;
    const { requester, challenger } = scenario.actors;
    const { requestId } = await scenario.request();
    // Make this the last attempt: byte 29 of the request's first slot, which begins with the requester, in whichever variable the requests are.
    const { testClient, publicClient } = surety.network;
    const address = surety.addresses.oracle;
    const types = [{ type: "uint256" }, { type: "uint256" }] as const;
    let slot: Hex = "0x";
    let word = 0n;
    for (let variable = 0n; word % 2n ** 160n !== BigInt(requester); variable++) {
      slot = keccak256(encodeAbiParameters(types, [requestId, variable]));
      word = BigInt((await publicClient.getStorageAt({ address, slot })) ?? "0x0");
    }
    await testClient.setStorageAt({
      address,
      index: slot,
      value: toHex(word | (255n << 232n), { size: 32 }),
    });
    expect(await surety.read(surety.oracle, "requestOf", [requestId])).toMatchObject({
      attempt: 255,
      status: 1,
    });

    const answer = [requestId, scenario.question, outputOf(model, lie)];
    const assignee = await assigneeOf(surety, requestId);
    const post = { from: assignee, to: surety.oracle, call: "post", args: answer };
    await surety.send(post);
    const assertionId = requestId * 256n + 255n;
    const gameId = await scenario.open(assertionId, lie);
    await scenario.play(gameId, lie, assignee);
    expect(await viewOf(surety, gameId)).toMatchObject({ phase: "challenger-won", challenger });
    expect(await surety.read(surety.oracle, "requestOf", [requestId])).toMatchObject({
      status: 4,
      attempt: 255,
    });
    expect(await surety.read(surety.oracle, "assertionOf", [assertionId])).toMatchObject({ refuted: true });
    expect(await surety.read(surety.oracle, "creditOf", [requester])).toBe(scenario.feeOf());
    expect(await surety.refused(post)).toEqual({ error: "WrongStatus", args: [4, 1] });
  });

  it("challenging oneself costs the burned share", async () => {
    const { surety } = scenario;
    const { assertionId, poster } = await scenario.posted(lie);
    const gameId = await scenario.open(assertionId, lie, poster);
    await surety.send({ ...call("claimTimeout", [gameId]), time: (await surety.now()) + 100 });
    const { challengeBondWei, assertionBondWei, burnBps } = surety.parameters;
    const got = await surety.read<bigint>(surety.game, "creditOf", [poster]);
    expect(challengeBondWei + assertionBondWei - got).toBe((assertionBondWei * BigInt(burnBps)) / 10_000n);
  });
});
