import { type CommittedTrace, MerkleTree, zeroHash } from "@surety/engine";
import { nextMove } from "@surety/protocol";
import { describe, expect, it } from "vitest";
import { hostileConsumer } from "../support/consumer.ts";
import { challengerMove, commitMove, revealMove, viewOf } from "../support/players.ts";
import { smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { eventOf } from "../support/surety.ts";
import { burnedOf, purse } from "./attack.ts";

const YEAR = 365 * 86_400;

/** Weaknesses published of Cartesi's Dave and its PRT contracts, tried here. */
describe("published weaknesses of Dave", () => {
  const scenario = useSurety(smallModel, smallInput);
  const lie = scenario.lie({ instruction: 2, byte: 5 });
  const onGame = (call: string, args: readonly unknown[], from = scenario.actors.stranger) => ({
    from,
    to: scenario.surety.game,
    call,
    args,
  });

  // cartesi/dave pull request 275: a match won by timeout deducted the loser's overtime from the winner's clock; once it had saturated to zero the
  // match could not end, nor the tournament. Would succeed if the winner's clock were charged for what passes after the loser's ran out.
  it.each([
    ["the poster's", "challenger-won"],
    ["the challenger's", "poster-won"],
  ] as const)(
    "Dave, clock saturation: %s timeout can be claimed ten years late, and the same side wins",
    async (_, phase) => {
      const { surety, honest } = scenario;
      const { challenger } = scenario.actors;
      const trace = phase === "challenger-won" ? lie : honest;
      const { requestId, assertionId, poster } = await scenario.posted(trace);
      const [winner, loser] = phase === "challenger-won" ? [challenger, poster] : [poster, challenger];
      const purses = { winner: await purse(surety, winner), loser: await purse(surety, loser) };
      const gameId = await scenario.open(assertionId, trace);
      if (phase === "poster-won")
        await surety.send({ from: poster, ...commitMove(surety, scenario.knows(trace), trace, assertionId) });
      const { turnEndsAt } = await viewOf(surety, gameId);
      await surety.send({ ...onGame("claimTimeout", [gameId]), time: turnEndsAt + 10 * YEAR });
      expect(await viewOf(surety, gameId)).toMatchObject({ phase });
      const { assertionBondWei, challengeBondWei } = surety.parameters;
      const lost = phase === "challenger-won" ? assertionBondWei : challengeBondWei;
      expect(await purses.winner.gained()).toBe(lost - burnedOf(surety, lost));
      expect(await purses.loser.gained()).toBe(-lost);
      // The request goes on: reopened and refunded, or final.
      if (phase === "poster-won") {
        const args = [requestId, scenario.output];
        await surety.send({ from: poster, to: surety.oracle, call: "finalise", args });
      } else {
        await surety.send({ from: challenger, to: surety.oracle, call: "refund", args: [requestId] });
      }
      const { status } = await surety.read<{ status: number }>(surety.oracle, "requestOf", [requestId]);
      expect(status).toBe(phase === "poster-won" ? 3 : 4);
    },
  );

  // cartesi.io/blog/prt_honeypot_postmortem: "does this match exist?" was asked of a field that a dishonest subtree of zeros made 0, so that its
  // timeout could not be claimed. Would succeed if a game's or a reveal's existence were told by the hash it holds.
  it("Dave, zero subtrees: a tensor committed as the zero hash is disputed like any other, and loses", async () => {
    const { surety, honest } = scenario;
    const { challenger } = scenario.actors;
    const roots = [honest.tensorRoot(0), zeroHash(), honest.tensorRoot(2)];
    const tree = MerkleTree.of(roots);
    const zeroed = {
      root: tree.root,
      tree,
      tensorRoot: (index: number) => roots[index],
      tensorBytes: (index: number) => honest.tensorBytes(index),
      tensorTree: (index: number) => honest.tensorTree(index),
    } as unknown as CommittedTrace;
    // The answer itself is right; only its trace is not.
    const { assertionId, poster } = await scenario.posted(honest);
    const own = await purse(surety, challenger);
    const gameId = await scenario.open(assertionId, honest);
    await surety.send({ from: poster, ...commitMove(surety, scenario.knows(zeroed), zeroed, assertionId) });
    const view = await viewOf(surety, gameId);
    const pick = challengerMove(surety, scenario.knows(zeroed), gameId, view);
    expect(pick).toMatchObject({ call: "selectTensor" });
    expect(pick.args?.[3]).toBe(`0x${"00".repeat(32)}`);
    await surety.send({ ...pick, from: challenger });
    const disputed = await viewOf(surety, gameId);
    expect(disputed).toMatchObject({ phase: "tensor", turn: "poster", node: `0x${"00".repeat(32)}` });
    // No bytes have this hash.
    for (const data of [`0x${"00".repeat(600)}`, "0x"] as const) {
      const { error } = await surety.refused(onGame("revealBytes", [gameId, disputed.node, data], poster));
      expect(["HashMismatch", "WrongByteCount"]).toContain(error);
    }
    await surety.send({ ...onGame("claimTimeout", [gameId]), time: disputed.turnEndsAt + 1 });
    expect(await viewOf(surety, gameId)).toMatchObject({ phase: "challenger-won" });
    const { assertionBondWei } = surety.parameters;
    expect(await own.gained()).toBe(assertionBondWei - burnedOf(surety, assertionBondWei));
  });

  // cartesi/dave pull request 273: bonds were pushed to their claimers within the game's progress, so that a contract that refused payment, or burned
  // the gas, bricked the tournament. Would succeed if a game's end paid anybody: here it only writes credits down.
  it("Dave, refund callbacks: players that refuse payment hold nothing up, and lose nothing by it", async () => {
    const { surety } = scenario;
    const consumer = await hostileConsumer(scenario);
    const { stranger, second } = scenario.actors;
    await consumer.behave("burnGas");
    const { assertionId, poster } = await scenario.posted(lie);
    const bond = surety.parameters.challengeBondWei;
    const root = await surety.read<{ outputRoot: string }>(surety.oracle, "assertionOf", [assertionId]);
    const opened = await surety.send(
      consumer.asConsumer({
        ...onGame("open", [assertionId, scenario.question, root.outputRoot]),
        valueWei: bond,
      }),
    );
    const gameId = eventOf(opened, "GameOpened").gameId as bigint;
    const rival = await scenario.open(assertionId, lie, second);
    for (;;) {
      const view = await viewOf(surety, gameId);
      const due = nextMove(view);
      if (due === undefined) break;
      if (due.by === "poster") {
        const move =
          due.kind === "commitTrace"
            ? commitMove(surety, scenario.knows(lie), lie, assertionId)
            : revealMove(surety, lie, gameId, view);
        await surety.send({ from: poster, ...move });
      } else {
        const move = challengerMove(surety, scenario.knows(lie), gameId, view);
        await surety.send(consumer.asConsumer({ ...move, from: stranger }));
      }
    }
    expect(await viewOf(surety, gameId)).toMatchObject({ phase: "challenger-won" });
    await surety.send(onGame("closeVoid", [rival]));
    // Another's money comes out whatever the contract does; its own waits for it.
    await surety.send(onGame("withdraw", [], second));
    const { assertionBondWei } = surety.parameters;
    const due = bond + assertionBondWei - burnedOf(surety, assertionBondWei);
    expect(await surety.read(surety.game, "creditOf", [consumer.address])).toBe(due);
    const withdraw = consumer.asConsumer(onGame("withdraw", []));
    expect(await surety.refused(withdraw)).toMatchObject({ error: "PaymentFailed" });
    expect(await surety.balance(surety.addresses.game)).toBe(due);
    await surety.send({ from: stranger, to: consumer, call: "acceptPayment", args: [true] });
    await surety.send(withdraw);
    expect(await surety.balance(consumer.address)).toBe(due);
    expect(await surety.balance(surety.addresses.game)).toBe(0n);
  });

  // The same pull request: what eliminated commitments had staked stayed in a pool that a later winner recovered, so that a Sybil campaign paid for
  // the next one. Would succeed if burned shares stayed in the contract, or if a lost bond could be claimed twice.
  it("Dave, recycled Sybil bonds: each campaign against one's own answer costs as much as the first, and leaves nothing behind", async () => {
    const { surety, honest } = scenario;
    const sybils = surety.accounts.slice(6, 10);
    const { alice, bob } = scenario.actors;
    const { challengeBondWei } = surety.parameters;
    const costs: bigint[] = [];
    for (let campaign = 0; campaign < 3; campaign++) {
      // Poster and challengers are one, and withdraw all they can.
      const plot = await purse(surety, alice, bob, ...sybils);
      const { requestId, assertionId, poster } = await scenario.posted(honest);
      const games: bigint[] = [];
      for (const from of sybils) games.push(await scenario.open(assertionId, honest, from));
      await surety.send({ from: poster, ...commitMove(surety, scenario.knows(honest), honest, assertionId) });
      for (const gameId of games) {
        const { turnEndsAt } = await viewOf(surety, gameId);
        const time = Math.max(turnEndsAt, await surety.now()) + 1;
        await surety.send({ ...onGame("claimTimeout", [gameId], poster), time });
        expect(await surety.refused(onGame("claimTimeout", [gameId]))).toMatchObject({ error: "NoTimeout" });
        expect(await surety.refused(onGame("closeVoid", [gameId]))).toMatchObject({ error: "WrongPhase" });
      }
      const args = [requestId, scenario.output];
      await surety.send({ from: poster, to: surety.oracle, call: "finalise", args });
      await surety.send(onGame("withdraw", [], poster));
      // Nothing is left that a later winner could get.
      expect(await surety.balance(surety.addresses.game)).toBe(0n);
      costs.push(scenario.feeOf() - (await plot.gained()));
    }
    const cost = BigInt(sybils.length) * burnedOf(surety, challengeBondWei);
    expect(costs).toEqual([cost, cost, cost]);
    expect(cost).toBeGreaterThan(0n);
  });
});
