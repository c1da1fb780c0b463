import type { CommittedTrace } from "@surety/engine";
import { type GameView, nextMove } from "@surety/protocol";
import type { Address } from "viem";
import { outputOf, outputRootOf } from "../support/models.ts";
import { commitMove, revealMove } from "../support/players.ts";
import { Actor, type Arena, type Plan, STATUS } from "./arena.ts";

/** Answers with a run when it is its turn, and defends the answer in every game, at once. Honest if the run is the right one. */
export class Poster extends Actor {
  readonly trace: CommittedTrace;
  readonly honest: boolean;
  protected answered = false;
  constructor(address: Address, trace: CommittedTrace, honest: boolean) {
    super(address);
    this.trace = trace;
    this.honest = honest;
  }

  plan(arena: Arena): Plan | undefined | Promise<Plan | undefined> {
    return this.answer(arena) ?? this.defend(arena);
  }

  protected answer(arena: Arena): Plan | undefined {
    const { request, requestId, question, surety } = arena;
    if (this.answered || request.status !== STATUS.open) return undefined;
    // Not drawn: answers once the exclusive time is over. Who lies does so only when drawn.
    const isDrawn = request.assignee === this.address;
    if (!isDrawn && !this.honest) return undefined;
    const { assertionId } = arena;
    const onMined = () => {
      arena.tracesBehind.set(assertionId, this.trace);
      this.answered = true;
    };
    const args = [requestId, question.hash, outputOf(question.model, this.trace)];
    const at = isDrawn ? 0 : request.exclusiveUntil + 1;
    return { from: this.address, to: surety.oracle, call: "post", args, onMined, at };
  }

  protected defend(arena: Arena): Plan | undefined {
    if (arena.assertion.poster !== this.address) return undefined;
    for (const [gameId, view] of arena.liveGames()) {
      if (view.assertionId !== arena.assertionId || nextMove(view)?.by !== "poster") continue;
      const plan = this.reply(arena, gameId, view);
      if (plan !== undefined) return plan;
    }
    return undefined;
  }

  protected reply({ surety, question }: Arena, gameId: bigint, view: GameView): Plan | undefined {
    const { model, input } = question;
    const move =
      view.phase === "commit"
        ? commitMove(surety, { model, inputs: [input] }, this.trace, view.assertionId)
        : revealMove(surety, this.trace, gameId, view);
    return { ...move, from: this.address };
  }
}

/** Answers and then says no more after so many replies. */
export class SilentPoster extends Poster {
  private replies: number;
  constructor(address: Address, trace: CommittedTrace, replies = 0) {
    super(address, trace, false);
    this.replies = replies;
  }
  protected override reply(arena: Arena, gameId: bigint, view: GameView): Plan | undefined {
    if (this.replies <= 0) return undefined;
    const plan = super.reply(arena, gameId, view);
    return plan && { ...plan, onMined: () => this.replies-- };
  }
}

/** Uses the last second of each of its turns. */
export class LastSecondPoster extends Poster {
  protected override reply(arena: Arena, gameId: bigint, view: GameView): Plan | undefined {
    const plan = super.reply(arena, gameId, view);
    return plan && { ...plan, at: view.turnEndsAt };
  }
}

/** Tries, once at each turn, to reveal what hashes to something else, too little, or too much; then reveals the truth of its tree, or says nothing. */
export class WrongRevealer extends Poster {
  private readonly tried = new Set<string>();
  private readonly relents: boolean;
  constructor(address: Address, trace: CommittedTrace, relents: boolean) {
    super(address, trace, false);
    this.relents = relents;
  }
  protected override reply(arena: Arena, gameId: bigint, view: GameView): Plan | undefined {
    const plan = super.reply(arena, gameId, view);
    if (plan === undefined || view.phase === "commit") return plan;
    for (const [name, spoil] of Object.entries(SPOILT)) {
      const key = `${view.node} ${name}`;
      if (this.tried.has(key)) continue;
      const [id, node, shown] = plan.args as [bigint, string, string | string[]];
      return { ...plan, args: [id, node, spoil(shown)], onMined: () => this.tried.add(key) };
    }
    return this.relents ? plan : undefined;
  }
}

const SPOILT: Record<string, (shown: string | string[]) => string | string[]> = {
  "another first byte": (shown) =>
    typeof shown === "string" ? flip(shown) : [flip(shown[0] as string), ...shown.slice(1)],
  "too little": (shown) => (typeof shown === "string" ? shown.slice(0, -2) : shown.slice(1)),
  "too much": (shown) => (typeof shown === "string" ? `${shown}00` : [...shown, shown[0] as string]),
};

function flip(hex: string): string {
  return `0x${hex[2] === "0" ? "1" : "0"}${hex.slice(3)}`;
}

/** Challenges its own answer, by its own account or a friend's, so that a game is lost for it to hide behind. */
export class SelfChallenger extends Poster {
  private readonly friends: Address[];
  constructor(address: Address, trace: CommittedTrace, friends: readonly Address[]) {
    super(address, trace, false);
    this.friends = [...friends];
  }
  override plan(arena: Arena): Plan | undefined | Promise<Plan | undefined> {
    const { surety, question, assertionId, request } = arena;
    if (
      arena.assertion.poster === this.address &&
      request.status === STATUS.asserted &&
      this.friends.length > 0
    ) {
      const args = [assertionId, question.hash, outputRootOf(question.model, this.trace)];
      return {
        from: this.friends[0] as Address,
        to: surety.game,
        call: "open",
        args,
        valueWei: surety.parameters.challengeBondWei,
        onMined: () => this.friends.shift(),
      };
    }
    return super.plan(arena);
  }
}

/** Drawn, and says nothing. */
export class AbsentNode extends Actor {
  readonly honest = false;
  plan(): undefined {
    return undefined;
  }
}

/** Not assigned: copies the assignee's answer as soon as it sees it, before it is mined, and earlier than it may. */
export class AnswerThief extends Actor {
  readonly honest = false;
  plan(): undefined {
    return undefined;
  }
  override frontRun(_arena: Arena, seen: Plan): Plan | undefined {
    return seen.call === "post" ? { ...seen, from: this.address } : undefined;
  }
}
