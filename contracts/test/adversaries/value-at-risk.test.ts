import { parseEther } from "viem";
import { describe, expect, it } from "vitest";
import { smallInput, smallModel, useSurety } from "../support/scenario.ts";
import type { Actor } from "./arena.ts";
import { Challenger, LastSecondChallenger, SilentChallenger } from "./challengers.ts";
import { ANSWERS, playMatch, type Setting } from "./match.ts";
import { LastSecondPoster, Poster, SelfChallenger, SilentPoster } from "./posters.ts";
import { wealth } from "./rules.ts";

/** One to four ether of bond, 20 to 60 seconds of window, a tenth of what is at risk. */
const PARAMETERS = {
  maxAssertionBondWei: parseEther("4"),
  maxChallengeWindowSeconds: 60,
  bondBps: 1_000,
};
const TERMS = [
  { valueAtRiskWei: 0n, bondWei: parseEther("1"), windowSeconds: 20 },
  { valueAtRiskWei: parseEther("25"), bondWei: parseEther("2.5"), windowSeconds: 40 },
  { valueAtRiskWei: parseEther("40"), bondWei: parseEther("4"), windowSeconds: 60 },
];

describe("adversaries: bond and window grow with the value at risk", () => {
  const scenario = useSurety(smallModel, smallInput, PARAMETERS);
  const lie = scenario.lie({ instruction: 2, byte: 5 });
  const mistake = scenario.lie({ instruction: 1, byte: 9 });

  const CASTS: Record<string, (setting: Setting, friends: readonly `0x${string}`[]) => Actor[]> = {
    "a poster that never answers a challenge": (s, [friend]) => [
      new SilentPoster(s.poster, s.trace),
      ...(s.truthful ? [new Challenger(friend as never, mistake, false, 0)] : []),
    ],
    "a poster that challenges itself": (s, friends) => [new SelfChallenger(s.poster, s.trace, friends)],
    "every last second, of the longer window too": (s, [friend]) => [
      new LastSecondPoster(s.poster, s.trace, false),
      new LastSecondChallenger(friend as never, mistake, false, 0),
    ],
    "a challenger that only opens": (s, [friend]) => [
      new Poster(s.poster, s.trace, s.truthful),
      new SilentChallenger(friend as never, mistake),
    ],
  };
  const CASES = Object.keys(CASTS).flatMap((name) =>
    TERMS.flatMap((terms) => ANSWERS.map(([answer]) => [name, answer, terms] as const)),
  );
  it.each(CASES)("%s, a %s answer, on terms $valueAtRiskWei", async (name, answer, terms) => {
    const { surety } = scenario;
    const { requester } = scenario.actors;
    const truthful = answer === "true";
    const before = await wealth(surety, smallModel);
    const { baseFeeWei, burnBps } = surety.parameters;
    // The base fee grows with the bond, the callback's does not.
    const feeWei = scenario.feeOf() + (baseFeeWei * (terms.bondWei - parseEther("1"))) / parseEther("1");
    const { requestId } = await scenario.request({ valueAtRiskWei: terms.valueAtRiskWei, valueWei: feeWei });
    const arena = await playMatch(scenario, lie, {
      ...{ requestId, truthful, before, requester },
      cast: (setting) => CASTS[name]?.(setting, surety.accounts.slice(6, 8)) ?? [],
      expected: () => ({ feeWei }),
    });
    const posts = arena.log.filter(({ plan, refused }) => plan.call === "post" && refused === undefined);
    expect(arena.assertion.windowEndsAt - (posts.at(-1)?.time as number)).toBe(terms.windowSeconds);
    // A lie costs the whole higher bond, and the burned part is gone.
    const slashed =
      truthful && !name.includes("never answers") && !name.includes("every last") ? 0n : undefined;
    const after = await wealth(surety, smallModel);
    const poster = posts[0]?.plan.from as never;
    const lost = (before.get(poster) ?? 0n) - (after.get(poster) ?? 0n);
    if (!truthful) {
      const burned = (after.get(ZERO) ?? 0n) - (before.get(ZERO) ?? 0n);
      expect(burned).toBeGreaterThanOrEqual((terms.bondWei * BigInt(burnBps)) / 10_000n);
      // It has at most the lost bonds of who challenged it by mistake.
      expect(lost).toBeGreaterThan(terms.bondWei - parseEther("0.5"));
    } else if (slashed === 0n) expect(lost).toBeLessThanOrEqual(0n);
  });
});

const ZERO = "0x0000000000000000000000000000000000000000" as const;
