import type { Address } from "viem";
import { describe, expect, it } from "vitest";
import { hostileConsumer } from "../support/consumer.ts";
import { outputOf, outputRootOf } from "../support/models.ts";
import { smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { type At, ZERO_ADDRESS } from "../support/surety.ts";
import { Actor, type Arena, type Plan, STATUS } from "./arena.ts";
import { ANSWERS, playMatch } from "./match.ts";
import { Poster } from "./posters.ts";
import { wealth } from "./rules.ts";

/** `HostileVerifier.Behaviour`, by its numbers. */
const REFUSING = {
  sayNo: 1,
  revert: 2,
  burnGas: 3,
  returnJunk: 4,
  returnNothing: 5,
  returnMuch: 6,
  revertMuch: 7,
};

/** Has each standing answer made final early: the first at once, or when it is challenged. */
class EarlyFinaliser extends Actor {
  readonly honest = false;
  private readonly waits: boolean;
  private readonly tried = new Set<bigint>();
  constructor(address: Address, waits: boolean) {
    super(address);
    this.waits = waits;
  }
  plan(arena: Arena): Plan | undefined {
    const { surety, requestId, request, question, assertionId } = arena;
    const trace = arena.tracesBehind.get(assertionId);
    if (request.status !== STATUS.asserted || trace === undefined || this.tried.has(assertionId))
      return undefined;
    if (this.waits && request.attempt === 0 && arena.assertion.openGames === 0 && arena.games.length === 0)
      return undefined;
    const args = [requestId, outputOf(question.model, trace), "0x"];
    // As much gas as the verifier may burn, and what the oracle needs itself.
    const gas = 2_500_000n;
    return {
      from: this.address,
      to: surety.oracle,
      call: "finaliseEarly",
      args,
      gas,
      onMined: () => this.tried.add(assertionId),
    };
  }
}

describe("adversaries: verifiers of early finality", () => {
  const scenario = useSurety(smallModel, smallInput);
  const lie = scenario.lie({ instruction: 2, byte: 5 });

  const ask = async (behaviour: number) => {
    const { surety } = scenario;
    const { requester, stranger } = scenario.actors;
    const verifier: At = await surety.deploy("test-harness/HostileVerifier.sol");
    await surety.send({ from: stranger, to: verifier, call: "behave", args: [behaviour] });
    const before = await wealth(surety, smallModel);
    const { requestId } = await scenario.request({ delivery: "pull" });
    const args = [requestId, verifier.address];
    await surety.send({ from: requester, to: surety.oracle, call: "chooseEarlyFinality", args });
    return { requestId, before, requester };
  };

  const CASES = Object.entries(REFUSING).flatMap(([name, behaviour]) =>
    ANSWERS.map(([answer, truthful]) => [name, answer, behaviour, truthful] as const),
  );
  it.each(CASES)("one that does %s holds nothing up: a %s answer", async (_, __, behaviour, truthful) => {
    const match = await ask(behaviour);
    const arena = await playMatch(scenario, lie, {
      ...{ ...match, truthful },
      cast: ({ poster, trace }) => [
        new Poster(poster, trace, truthful),
        new EarlyFinaliser(scenario.surety.accounts[7] as Address, false),
      ],
    });
    const tries = arena.log.filter(({ plan }) => plan.call === "finaliseEarly");
    // The lie's, and the truth's that follows it.
    expect(tries.map(({ refused }) => refused)).toEqual(
      Array.from({ length: truthful ? 1 : 2 }, () => "EarlyFinalityRefused"),
    );
  });

  it.each(ANSWERS)(
    "one that says yes at once: a %s answer is final, and hurts nobody but who chose it",
    async (_, truthful) => {
      const { surety, honest } = scenario;
      const match = await ask(0);
      const trace = truthful ? honest : lie;
      const arena = await playMatch(scenario, lie, {
        ...{ ...match, truthful },
        cast: ({ poster }) => [
          new Poster(poster, trace, truthful),
          new EarlyFinaliser(surety.accounts[7] as Address, false),
        ],
        expected: () => ({
          outputRoot: outputRootOf(smallModel, trace),
          // The requester's fee, and not a wei of anybody else's.
          plotWei: truthful ? 0n : scenario.feeOf(),
        }),
      });
      expect(arena.games).toEqual([]);
      // Nobody else gets that answer.
      const consumer = await hostileConsumer(scenario);
      const args = [match.requestId, scenario.question, outputOf(smallModel, trace), ZERO_ADDRESS];
      expect(await consumer.refused("reuse", args, scenario.feeOf())).toMatchObject({ error: "NotReusable" });
      const { lockedWei } = await surety.read<{ lockedWei: bigint }>(surety.operators, "operatorOf", [
        arena.assertion.poster,
      ]);
      expect(lockedWei).toBe(0n);
    },
  );

  it("one that says yes to a lie that is challenged already is not asked: the lie is refuted, then its yes is to the truth", async () => {
    const match = await ask(0);
    const arena = await playMatch(scenario, lie, {
      ...{ ...match, truthful: false },
      cast: ({ poster, trace }) => [
        new Poster(poster, trace, false),
        new EarlyFinaliser(scenario.surety.accounts[7] as Address, true),
      ],
    });
    const tries = arena.log.filter(({ plan }) => plan.call === "finaliseEarly").map(({ refused }) => refused);
    expect(tries).toEqual(["GamesOpen", undefined]);
  });
});
