import type { CommittedTrace } from "@surety/engine";
import { type Address, encodeFunctionData, toFunctionSelector } from "viem";
import { describe, expect, it } from "vitest";
import { countingModel, makeModel, type Tamper } from "../support/models.ts";
import { requestOf, useSurety } from "../support/scenario.ts";
import { assigneeOf, eventOf } from "../support/surety.ts";
import { type Actor, Arena } from "./arena.ts";
import {
  Challenger,
  Copycat,
  Freeloader,
  LastSecondChallenger,
  Replayer,
  SilentChallenger,
  Spammer,
  WrongStepper,
} from "./challengers.ts";
import {
  AbsentNode,
  AnswerThief,
  LastSecondPoster,
  Poster,
  SelfChallenger,
  SilentPoster,
  WrongRevealer,
} from "./posters.ts";
import { checkRules, type Expected, wealth } from "./rules.ts";

/** Two reveals of the trace, one of a tensor, then bytes. */
const model = countingModel(66, 1_100);
const input = Uint8Array.from({ length: 1_100 }, (_, i) => (i * 7 + (i >> 8) * 13) & 0xff);

const LIES: Record<string, readonly Tamper[]> = {
  "in the first instruction": [{ instruction: 0, byte: 0 }],
  "in the middle": [{ instruction: 31, byte: 700 }],
  "behind the first reveal": [{ instruction: 64, byte: 1_099 }],
  "in the output alone": [{ instruction: 65, byte: 1_025 }],
  "in the output, its trace being right elsewhere": [{ instruction: 65, byte: 3, consistent: false }],
  "in several layers": [
    { instruction: 2, byte: 5 },
    { instruction: 40, byte: 600 },
    { instruction: 65, byte: 1_099 },
  ],
  "in several layers, each contradicting the next": [
    { instruction: 2, byte: 5, consistent: false },
    { instruction: 40, byte: 600, consistent: false },
    { instruction: 65, byte: 0, consistent: false },
  ],
};

interface Cast {
  /** Of the answer: the right run or a liar's. */
  readonly trace: CommittedTrace;
  readonly right: CommittedTrace;
  readonly truthful: boolean;
  /** The assignee. */
  readonly poster: Address;
  readonly challenger: Address;
  readonly others: readonly [Address, Address, Address, Address, Address];
}

interface Strategy {
  readonly cast: (cast: Cast) => Actor[];
  /** Errors that refused actions meet: these, each at least once, and no other but a mistaken step's `ElementIsRight`. */
  readonly refused?: (truthful: boolean) => readonly string[];
  readonly expected?: (cast: Cast) => Expected;
  /** Nobody answers but the honest second node. */
  readonly absent?: boolean;
}

/** Whoever challenges a true answer is mistaken: it has this run. */
const MISTAKE: readonly Tamper[] = [{ instruction: 64, byte: 1_050 }];

describe("adversaries: after every match the verdict is right, nobody honest is poorer, lying never pays", () => {
  const parameters = { clockSeconds: 120, extensionSeconds: 20, unbondingSeconds: 3_600 };
  const scenario = useSurety(model, input, parameters);
  const mistake = scenario.lie(...MISTAKE);
  const plainLie = scenario.lie({ instruction: 64, byte: 1_099 });

  /** Defends the answer as it should be done; honest if the answer is. */
  const defender = ({ poster, trace, truthful }: Cast) => new Poster(poster, trace, truthful);
  /** Challenges a lie; a true answer only by mistake, so that the poster has something to answer. */
  const accuser = ({ truthful, others }: Cast) =>
    truthful ? [new Challenger(others[0], mistake, false, 0)] : [];

  const strategies: Record<string, Strategy> = {
    "a poster that never answers a challenge": {
      cast: (c) => [new SilentPoster(c.poster, c.trace), ...accuser(c)],
    },
    "a poster that commits and then falls silent": {
      cast: (c) => [new SilentPoster(c.poster, c.trace, 1), ...accuser(c)],
    },
    "a poster that falls silent before the last reveal": {
      cast: (c) => [new SilentPoster(c.poster, c.trace, 3), ...accuser(c)],
    },
    "a poster that uses the last second of every turn": {
      cast: (c) => [new LastSecondPoster(c.poster, c.trace, false), ...accuser(c)],
    },
    "a poster that reveals wrongly, and rightly in the end": {
      cast: (c) => [new WrongRevealer(c.poster, c.trace, true), ...accuser(c)],
      refused: () => ["HashMismatch", "WrongByteCount", "WrongChildCount"],
    },
    "a poster that reveals wrongly until its time is over": {
      cast: (c) => [new WrongRevealer(c.poster, c.trace, false), ...accuser(c)],
      refused: () => ["HashMismatch", "WrongChildCount"],
    },
    "a poster that challenges itself by its own account": {
      cast: (c) => [new SelfChallenger(c.poster, c.trace, [c.poster]), ...accuser(c)],
    },
    "a poster that hides behind friends' idle challenges": {
      cast: (c) => [
        new SelfChallenger(c.poster, c.trace, c.others.slice(0, 3)),
        ...accuser({ ...c, others: [c.others[3], ...c.others.slice(1)] as never }),
      ],
    },
    "a node that copies the assignee's answer before it is mined": {
      cast: (c) => [defender(c), new AnswerThief(c.others[0])],
      refused: () => ["NotYourTurn"],
    },
    "an assignee that misses its turn": {
      cast: (c) => [new AbsentNode(c.poster)],
      absent: true,
    },
    "a challenger that only opens": {
      cast: (c) => [defender(c), new SilentChallenger(c.others[0], mistake)],
    },
    "a challenger that falls silent in mid-walk": {
      cast: (c) => [defender(c), new SilentChallenger(c.others[0], mistake, 2)],
    },
    "a challenger that opens and moves in the last second": {
      cast: (c) => [defender(c), new LastSecondChallenger(c.others[0], mistake, false, 0)],
    },
    "both sides use every last second": {
      cast: (c) => [
        new LastSecondPoster(c.poster, c.trace, false),
        new LastSecondChallenger(c.others[0], mistake, false, 0),
      ],
    },
    "a challenger of what is right, to the end": {
      cast: (c) => [defender(c), new Challenger(c.others[0], mistake, false, 0)],
    },
    "a challenger that steps on what is right, with true and spoilt witnesses": {
      cast: (c) => [defender(c), new WrongStepper(c.others[0], mistake, false, 0)],
      refused: () => [
        "ElementNotInLeaf",
        "HashMismatch",
        "OperandNotProven",
        "PathNotProven",
        "WrongOperandCount",
      ],
    },
    "a spammer with many games, walked and idle": {
      cast: (c) => [defender(c), new Spammer(c.others, mistake, 2)],
    },
    "a freeloader that opens behind another and leaves it the work": {
      cast: (c) => [defender(c), ...accuser(c), new Freeloader(c.others[1], c.right)],
    },
    "a copycat that makes each challenger's move first, in its own game": {
      cast: (c) => [defender(c), ...accuser(c), new Copycat(c.others[1])],
      // The one whose step came second has its bond back and nothing for its gas.
      refused: (truthful) => (truthful ? [] : ["WrongPhase"]),
      expected: (c) => (c.truthful ? {} : { uncovered: [c.challenger] }),
    },
    "a replayer of every old move": {
      cast: (c) => [defender(c), new Replayer(c.others[0], mistake, false, 0)],
      refused: (truthful) => [
        ...["AlreadyRevealed", "GameExists", "HashMismatch", "NoTimeout", "NotPoster"],
        ...(truthful ? [] : ["NotChallenger", "WrongPhase"]),
      ],
    },
  };
  for (const [where, lies] of Object.entries(LIES)) {
    const lie = scenario.lie(...lies);
    strategies[`a lie ${where}`] = {
      cast: (c) =>
        c.truthful
          ? // The same lie in the mouth of a challenger.
            [new Poster(c.poster, c.trace, true), new Challenger(c.others[0], lie, false)]
          : [new Poster(c.poster, lie, false)],
    };
  }

  const CASES = Object.keys(strategies).flatMap((name) =>
    [true, false].map((truthful) => [name, truthful ? "true" : "false", truthful] as const),
  );
  it.each(CASES)("%s: a %s answer", async (name, _, truthful) => {
    const { surety, honest } = scenario;
    const strategy = strategies[name] as Strategy;
    const before = await wealth(surety, scenario.model);
    const { requestId, assignee } = await scenario.request();
    const { alice, bob, challenger, second, requester, stranger } = scenario.actors;
    const [s6, s7, s8, s9] = surety.accounts.slice(6) as [Address, Address, Address, Address];
    const cast: Cast = {
      trace: truthful ? honest : plainLie,
      right: honest,
      truthful,
      poster: assignee,
      challenger,
      others: [second, s6, s7, s8, s9],
    };
    const arena = new Arena(surety, { model, input, hash: scenario.question, honest }, requestId, stranger);
    // Where several would be mined in the same second, adversaries come first.
    await arena.play(
      ...strategy.cast(cast),
      new Challenger(challenger, honest, true),
      new Poster(assignee === alice ? bob : alice, honest, true),
    );
    const expected = strategy.expected?.(cast) ?? {};
    const { burnedWei } = await checkRules(arena, before, requester, expected);
    // Whoever loses a bond loses a part of it for good.
    if (!truthful || strategy.absent) expect(burnedWei).toBeGreaterThan(0n);
    const refused = new Set(arena.log.flatMap(({ refused: error }) => error ?? []));
    refused.delete("ElementIsRight");
    expect([...refused].sort()).toEqual([...(strategy.refused?.(truthful) ?? [])].sort());
  });

  describe.each([
    [true, "final"],
    [false, "final"],
    [true, "both"],
    [false, "both"],
  ] as const)("hostile consumers, first answer true: %s, delivery %s", (truthful, delivery) => {
    const behaviours = { Revert: 1, BurnGas: 2, ReturnMuch: 3, RevertMuch: 4, Reenter: 5 };
    it.each(Object.entries(behaviours))(
      "%s: settles all the same, and the poster is paid",
      async (name, number) => {
        const { surety, honest } = scenario;
        const { alice, bob, challenger, requester, stranger } = scenario.actors;
        const consumer = await surety.deploy("test-harness/HostileConsumer.sol");
        // Enough for it to store the output.
        const gas = 3_000_000;
        const feeWei = scenario.feeOf(gas, delivery);
        const on = (call: string, ...args: unknown[]) =>
          surety.send({ from: requester, to: consumer, call, args });
        const before = await wealth(surety, scenario.model);
        const encoded = async (call: string, args: readonly unknown[]) =>
          encodeFunctionData({ abi: surety.oracle.abi, functionName: call, args });
        const asked = await surety.send({
          from: requester,
          to: consumer,
          call: "execute",
          args: [
            surety.addresses.oracle,
            await encoded("requestInference", [
              await requestOf(surety, model, input, { callbackGas: gas, delivery }),
            ]),
          ],
          valueWei: feeWei,
        });
        const requestId = eventOf(asked, "Requested").requestId as bigint;
        const assignee = await assigneeOf(surety, requestId);
        // It reenters with what would be worth the most: its answer delivered once more, its fee back.
        if (name === "Reenter")
          await on("reenterWith", surety.addresses.oracle, await encoded("refund", [requestId]));
        else await on("behave", number);
        const arena = new Arena(
          surety,
          { model, input, hash: scenario.question, honest },
          requestId,
          stranger,
        );
        await arena.play(
          new Poster(assignee, truthful ? honest : plainLie, truthful),
          new Challenger(challenger, honest, true),
          new Poster(assignee === alice ? bob : alice, honest, true),
        );
        await checkRules(arena, before, requester, { feeWei });
        const retry = {
          from: stranger,
          to: surety.oracle,
          call: "retry",
          args: [requestId, scenario.output],
        };
        const takes = ["ReturnMuch", "Reenter"].includes(name);
        const { callbackOwed, revocationDue } = await surety.read<{
          callbackOwed: boolean;
          revocationDue: boolean;
        }>(surety.oracle, "requestOf", [requestId]);
        // Who took a lie is told nothing more until it is revoked.
        expect(revocationDue).toBe(takes && !truthful && delivery === "both");
        expect(callbackOwed).toBe(!takes || revocationDue);
        if (name === "Reenter") {
          expect(await surety.read(consumer, "reentered")).toBe(false);
          expect(await surety.read(consumer, "reentryError")).toBe(
            toFunctionSelector("ReentrancyGuardReentrantCall()"),
          );
        }
        if (callbackOwed) {
          await on("behave", 0);
          if (revocationDue) {
            expect(await surety.refused(retry)).toMatchObject({ error: "RevocationDue" });
            await surety.send({ ...retry, call: "revoke", args: [requestId] });
          }
          await surety.send(retry);
          expect(await surety.read(consumer, "lastOutput")).toBe(scenario.output);
        }
        // Once only on success.
        expect(await surety.refused(retry)).toMatchObject({ error: "NothingToRetry" });
      },
    );
  });
});

describe("adversaries: a malformed program", () => {
  const sound = countingModel(3, 600);
  const data = input.subarray(0, 600);
  const malformed = makeModel({
    instructions: sound.instructions,
    inputBytes: [600],
    encoded: { 1: Uint8Array.of(0xff) },
  });
  const scenario = useSurety(malformed, data);

  it.each([true, false])(
    "whoever answers it has lied, by its run or by another (%s), and the fee goes back",
    async (run) => {
      const { surety, honest } = scenario;
      const { challenger, requester, stranger } = scenario.actors;
      const before = await wealth(surety, scenario.model);
      const { requestId, assignee } = await scenario.request();
      const arena = new Arena(
        surety,
        { model: malformed, input: data, hash: scenario.question, honest },
        requestId,
        stranger,
      );
      const answer = run ? honest : scenario.lie({ instruction: 2, byte: 0, consistent: false });
      await arena.play(
        new Poster(assignee, answer, false),
        // Picks the malformed instruction where nothing else differs.
        new Challenger(challenger, run ? honest : scenario.lie({ instruction: 1, byte: 0 }), true, 1),
      );
      await checkRules(arena, before, requester, { refunded: true });
      expect(arena.log.some(({ plan }) => plan.call === "selectTensor")).toBe(true);
      expect(arena.log.some(({ plan }) => plan.call === "step")).toBe(false);
    },
  );
});
