import type { CommittedTrace } from "@surety/engine";
import type { GameView } from "@surety/protocol";
import { isOver } from "@surety/protocol";
import type { Address, Hex } from "viem";
import { type Model, outputOf } from "../support/models.ts";
import { viewOf } from "../support/players.ts";
import { assigneeOf, type CallParameters, eventsOf, type Surety } from "../support/surety.ts";

/** A transaction that an actor wants mined. Plans are made anew after each block; only what is mined has happened. */
export type Plan = Omit<CallParameters, "time"> & {
  /** Unix seconds, not before. Default: the next second. */
  readonly at?: number;
  /** Called when it is mined, with the error if it was refused. */
  readonly onMined?: (refused: string | undefined) => void;
};

export interface Mined {
  readonly actor: Actor;
  readonly plan: Plan;
  readonly time: number;
  /** The error it was refused with; undefined when it was accepted. */
  readonly refused?: string;
}

/** Somebody with an account and a strategy. Strategies see the chain as it stands, and plan one transaction at a time. */
export abstract class Actor {
  /** Whether the rules of `rules.ts` protect it: it says only what is right and answers in time. */
  abstract readonly honest: boolean;
  readonly address: Address;
  constructor(address: Address) {
    this.address = address;
  }
  abstract plan(arena: Arena): Promise<Plan | undefined> | Plan | undefined;
  /** A transaction to be mined before one that is seen in the mempool. */
  frontRun(_arena: Arena, _seen: Plan): Plan | undefined {
    return undefined;
  }
}

export interface PlayedGame {
  readonly gameId: bigint;
  readonly challenger: Address;
  readonly assertionId: bigint;
  readonly openedAt: number;
  endedAt?: number;
}

export interface Question {
  readonly model: Model;
  readonly input: Uint8Array;
  readonly hash: Hex;
  /** The right run. */
  readonly honest: CommittedTrace;
}

interface RequestNow {
  readonly status: number;
  readonly attempt: number;
  /** Whom it draws, as the next block will see it. */
  readonly assignee: Address;
  readonly exclusiveUntil: number;
  readonly deadline: number;
}
interface AssertionNow {
  readonly poster: Address;
  readonly windowEndsAt: number;
  readonly outputRoot: Hex;
  readonly openGames: number;
}

export const STATUS = { open: 1, asserted: 2, final: 3, refunded: 4 };

/** More transactions than any match has: a match that does not end is a bug. */
const MOST_EVENTS = 600;

/**
 * One request on the real contracts, from its first answer to its end, with any number of actors. Whoever plans the earliest is mined first, one
 * transaction a block; what anyone may do (claim a timeout, close a void game, finalise, refund) is done as soon as it is due.
 */
export class Arena {
  readonly surety: Surety;
  readonly question: Question;
  readonly requestId: bigint;
  readonly bystander: Address;
  readonly actors: Actor[] = [];
  readonly log: Mined[] = [];
  readonly games: PlayedGame[] = [];
  readonly gasOf = new Map<Address, bigint>();
  /** Trace that each assertion's poster answers by, for who has seen it revealed. */
  readonly tracesBehind = new Map<bigint, CommittedTrace>();
  now = 0;
  request!: RequestNow;
  assertion!: AssertionNow;
  /** Live and void games of the current assertion and of those before it, as they stand. */
  views = new Map<bigint, GameView>();

  constructor(surety: Surety, question: Question, requestId: bigint, bystander: Address) {
    this.surety = surety;
    this.question = question;
    this.requestId = requestId;
    this.bystander = bystander;
  }

  get assertionId(): bigint {
    return this.requestId * 256n + BigInt(this.request.attempt);
  }

  isHonest(address: Address): boolean {
    return this.actors.some((actor) => actor.address === address && actor.honest);
  }

  /** Games that are neither over nor void, of one challenger or all. */
  liveGames(challenger?: Address): [bigint, GameView][] {
    return [...this.views].filter(
      ([, view]) => !isOver(view.phase) && (challenger === undefined || view.challenger === challenger),
    );
  }

  async play(...actors: readonly Actor[]): Promise<void> {
    this.actors.push(...actors);
    for (let events = 0; events < MOST_EVENTS; events++) {
      await this.look();
      const planned: [Actor | undefined, Plan][] = [];
      for (const actor of this.actors) {
        const plan = await actor.plan(this);
        if (plan !== undefined) planned.push([actor, plan]);
      }
      planned.push(...this.duties().map((plan) => [undefined, plan] as [undefined, Plan]));
      const next = planned.toSorted(([, a], [, b]) => (a.at ?? 0) - (b.at ?? 0))[0];
      if (next === undefined) return;
      const [actor, plan] = next;
      let overtaken = false;
      for (const rival of this.actors) {
        const first = rival === actor ? undefined : rival.frontRun(this, plan);
        if (first === undefined) continue;
        await this.mine(rival, first);
        overtaken = true;
      }
      await this.mine(actor, plan, overtaken);
    }
    throw new Error(`The match did not end in ${MOST_EVENTS} transactions.`);
  }

  private async look(): Promise<void> {
    const { read, oracle } = this.surety;
    this.now = await this.surety.now();
    const request = await read<Omit<RequestNow, "assignee">>(oracle, "requestOf", [this.requestId]);
    this.request = { ...request, assignee: await assigneeOf(this.surety, this.requestId) };
    this.assertion = await read<AssertionNow>(oracle, "assertionOf", [this.assertionId]);
    this.views = new Map();
    for (const game of this.games) {
      if (game.endedAt !== undefined) continue;
      this.views.set(game.gameId, await viewOf(this.surety, game.gameId));
    }
  }

  /** What follows from the state alone and anyone may do: done by who gains by it if it is honest, else by a bystander. */
  private duties(): Plan[] {
    const { game, oracle } = this.surety;
    const on = (who: Address) => (this.isHonest(who) ? who : this.bystander);
    const plans: Plan[] = [...this.views].flatMap(([gameId, view]): Plan[] => {
      if (view.phase === "void")
        return [{ from: on(view.challenger), to: game, call: "closeVoid", args: [gameId] }];
      const posterLate = view.turn === "poster" || view.turn === "poster-timed-out";
      const from = on(posterLate ? view.challenger : this.assertion.poster);
      return [{ from, to: game, call: "claimTimeout", args: [gameId], at: view.turnEndsAt + 1 }];
    });
    const { status, deadline } = this.request;
    if (status === STATUS.asserted && this.assertion.openGames === 0) {
      const trace = this.tracesBehind.get(this.assertionId) as CommittedTrace;
      const from = on(this.assertion.poster);
      const args = [this.requestId, outputOf(this.question.model, trace)];
      plans.push({ from, to: oracle, call: "finalise", args, at: this.assertion.windowEndsAt });
    }
    if (status === STATUS.open)
      plans.push({
        from: this.bystander,
        to: oracle,
        call: "refund",
        args: [this.requestId],
        at: deadline + 1,
      });
    return plans;
  }

  private async mine(actor: Actor | undefined, plan: Plan, overtaken = false): Promise<void> {
    const { at, onMined, ...call } = plan;
    this.now = await this.surety.now();
    const time = Math.max(at ?? 0, this.now + 1);
    const { receipt, error } = await this.surety.attempt({ ...call, time });
    onMined?.(error);
    const who = actor ?? this.actors.find(({ address }) => address === plan.from);
    if (who !== undefined) {
      const mined: Mined = { actor: who, plan, time, ...(error === undefined ? {} : { refused: error }) };
      this.log.push(mined);
    }
    if (receipt === undefined) {
      // What is honest is refused only where something was mined before it that it could not see.
      if (!overtaken && (actor === undefined || actor.honest))
        throw new Error(`An honest ${plan.call} was refused with ${error}.`);
      return;
    }
    this.gasOf.set(plan.from, (this.gasOf.get(plan.from) ?? 0n) + receipt.gasUsed);
    for (const { name, args } of eventsOf(receipt)) {
      if (name === "GameOpened") {
        const { gameId, assertionId, challenger } = args as unknown as PlayedGame;
        this.games.push({ gameId, assertionId, challenger, openedAt: time });
      }
      const ended = name === "GameEnded" && this.games.find(({ gameId }) => gameId === args.gameId);
      if (ended) ended.endedAt = time;
    }
  }
}
