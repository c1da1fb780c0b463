import type { CommittedTrace } from "@surety/engine";
import type { Address, Hex } from "viem";
import { actors, type Scenario } from "../support/scenario.ts";
import { assigneeOf } from "../support/surety.ts";
import { type Actor, Arena } from "./arena.ts";
import { Challenger } from "./challengers.ts";
import { Poster } from "./posters.ts";
import { checkRules, type Expected, type Wealth } from "./rules.ts";

/** Who and what a match of one request is played with. */
export interface Setting {
  /** First answer: the right run or a lie. */
  readonly trace: CommittedTrace;
  readonly truthful: boolean;
  readonly poster: Address;
  readonly challenger: Address;
}

export interface Match {
  readonly requestId: bigint;
  readonly truthful: boolean;
  /** Of all accounts before the request was made. */
  readonly before: Wealth;
  readonly requester: Address;
  /** Adversaries and their victims; mined before the honest challenger and the honest second node. Default: the first poster alone. */
  readonly cast?: (setting: Setting) => readonly Actor[];
  readonly expected?: (setting: Setting) => Expected;
}

/** Both kinds of first answer. */
export const ANSWERS = [
  ["true", true],
  ["false", false],
] as const;

/** Plays a request to its end, with an honest challenger and an honest second node beside who is cast, and checks the rules. */
export async function playMatch(scenario: Scenario, lie: CommittedTrace, match: Match): Promise<Arena> {
  const { surety, honest, model, input } = scenario;
  const { alice, bob, challenger, stranger } = actors(surety);
  const poster = await assigneeOf(surety, match.requestId);
  const { truthful } = match;
  const setting = { trace: truthful ? honest : lie, truthful, poster, challenger };
  const question = { model, input, hash: scenario.question as Hex, honest };
  const arena = new Arena(surety, question, match.requestId, stranger);
  const cast = match.cast?.(setting) ?? [new Poster(poster, setting.trace, truthful)];
  await arena.play(
    ...cast,
    new Challenger(challenger, honest, true),
    new Poster(poster === alice ? bob : alice, honest, true),
  );
  await checkRules(arena, match.before, match.requester, match.expected?.(setting) ?? {});
  return arena;
}
