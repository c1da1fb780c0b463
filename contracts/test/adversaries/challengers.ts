import { type CommittedTrace, equalHashes } from "@surety/engine";
import { type GameView, nextMove } from "@surety/protocol";
import type { Address } from "viem";
import { outputRootOf } from "../support/models.ts";
import { challengerMove } from "../support/players.ts";
import { Actor, type Arena, type Mined, type Plan, STATUS } from "./arena.ts";

/** Opens on what differs from its own run and plays on at once. Honest if its run is the right one. */
export class Challenger extends Actor {
  readonly own: CommittedTrace;
  readonly honest: boolean;
  /** Opens whatever was answered, and where nothing differs picks this child. */
  protected readonly otherwise: number | undefined;
  protected readonly opened = new Set<bigint>();
  protected readonly refuted = new Set<bigint>();

  constructor(address: Address, own: CommittedTrace, honest: boolean, otherwise?: number) {
    super(address);
    this.own = own;
    this.honest = honest;
    this.otherwise = otherwise;
  }

  plan(arena: Arena): Plan | undefined {
    return this.open(arena) ?? this.walk(arena);
  }

  protected open(arena: Arena): Plan | undefined {
    const { assertionId, assertion, request, surety, question } = arena;
    if (request.status !== STATUS.asserted || this.opened.has(assertionId)) return undefined;
    if (arena.now + 1 >= assertion.windowEndsAt) return undefined;
    const mine = outputRootOf(question.model, this.own);
    if (this.otherwise === undefined && mine === assertion.outputRoot) return undefined;
    const valueWei = surety.parameters.challengeBondWei;
    const args = [assertionId, question.hash, assertion.outputRoot];
    const onMined = () => this.opened.add(assertionId);
    return { from: this.address, to: surety.game, call: "open", args, valueWei, onMined };
  }

  protected walk(arena: Arena): Plan | undefined {
    for (const [gameId, view] of arena.liveGames(this.address)) {
      if (nextMove(view)?.by !== "challenger") continue;
      const plan = this.move(arena, gameId, view);
      if (plan !== undefined) return plan;
    }
    return undefined;
  }

  protected move(arena: Arena, gameId: bigint, view: GameView): Plan | undefined {
    const { model, input } = arena.question;
    const poster = arena.tracesBehind.get(view.assertionId) as CommittedTrace;
    // Whoever has nothing to show at the end lets its clock run out.
    if (nextMove(view)?.kind === "step" && (this.refuted.has(gameId) || this.agrees(view, poster)))
      return undefined;
    const otherwise = this.otherwise ?? 0;
    const knows = { model, inputs: [input], own: this.own, poster, otherwise };
    const move = challengerMove(arena.surety, knows, gameId, view);
    // A step that the chain has refused is not tried again: the clock runs out.
    const onMined = (refused: string | undefined) => {
      if (move.call === "step" && refused !== undefined) this.refuted.add(gameId);
    };
    return { ...move, from: this.address, onMined };
  }

  protected agrees(view: GameView, poster: CommittedTrace): boolean {
    return equalHashes(this.own.tensorRoot(view.instruction), poster.tensorRoot(view.instruction));
  }
}

/** Opens and makes so many moves. */
export class SilentChallenger extends Challenger {
  private moves: number;
  constructor(address: Address, own: CommittedTrace, moves = 0) {
    super(address, own, false, 0);
    this.moves = moves;
  }
  protected override move(arena: Arena, gameId: bigint, view: GameView): Plan | undefined {
    if (this.moves <= 0) return undefined;
    const plan = super.move(arena, gameId, view);
    return plan && { ...plan, onMined: () => this.moves-- };
  }
}

/** Opens in the window's last second and moves in the last second of each turn. */
export class LastSecondChallenger extends Challenger {
  protected override open(arena: Arena): Plan | undefined {
    const plan = super.open(arena);
    return plan && { ...plan, at: arena.assertion.windowEndsAt - 1 };
  }
  protected override move(arena: Arena, gameId: bigint, view: GameView): Plan | undefined {
    const plan = super.move(arena, gameId, view);
    return plan && { ...plan, at: view.turnEndsAt };
  }
}

/** Walks to the bytes of what is right and has it recomputed, with the true witness and with spoilt ones. */
export class WrongStepper extends Challenger {
  private readonly tried = new Set<string>();
  protected override agrees(): boolean {
    return false;
  }
  protected override move(arena: Arena, gameId: bigint, view: GameView): Plan | undefined {
    const plan = super.move(arena, gameId, view);
    if (plan?.call !== "step") return plan;
    const [id, node, header, step] = plan.args as [bigint, string, object, SpoiltStep];
    for (const [name, spoil] of Object.entries(SPOILT_STEPS)) {
      const key = `${gameId} ${name}`;
      if (this.tried.has(key)) continue;
      // It goes on where others give up.
      return { ...plan, args: [id, node, header, spoil(step)], onMined: () => this.tried.add(key) };
    }
    return undefined;
  }
}

interface SpoiltStep {
  readonly leaf: number;
  readonly leafBytes: `0x${string}`;
  readonly element: number;
  readonly instruction: `0x${string}`;
  readonly operands: readonly { readonly data: `0x${string}` }[];
}

const SPOILT_STEPS: Record<string, (step: SpoiltStep) => SpoiltStep> = {
  "as it is": (step) => step,
  "another operand": (step) => ({
    ...step,
    operands: step.operands.map((operand) => ({ ...operand, data: `0xff${operand.data.slice(4)}` })),
  }),
  "no operand": (step) => ({ ...step, operands: [] }),
  "another leaf's bytes": (step) => ({ ...step, leafBytes: `0xff${step.leafBytes.slice(4)}` }),
  "another instruction": (step) => ({ ...step, instruction: `${step.instruction}00` }),
  "an element elsewhere": (step) => ({ ...step, element: step.element + 256 }),
};

/** Opens a game from each of many accounts; the games of the last ones are idle. */
export class Spammer extends Challenger {
  private readonly accounts: readonly Address[];
  private readonly walking: number;
  private next = 0;
  constructor(accounts: readonly Address[], own: CommittedTrace, walking: number) {
    super(accounts[0] as Address, own, false, 0);
    this.accounts = accounts;
    this.walking = walking;
  }
  override plan(arena: Arena): Plan | undefined {
    if (arena.request.attempt === 0 && this.next < this.accounts.length) {
      const plan = this.open(arena);
      const onMined = () => this.next++;
      if (plan !== undefined) return { ...plan, from: this.accounts[this.next] as Address, onMined };
    }
    for (const account of this.accounts.slice(0, this.walking)) {
      for (const [gameId, view] of arena.liveGames(account)) {
        const plan = nextMove(view)?.by === "challenger" ? this.move(arena, gameId, view) : undefined;
        if (plan !== undefined) return { ...plan, from: account };
      }
    }
    return undefined;
  }
}

/** Opens when another has, leaves the work to others, and takes its bond back at the end. */
export class Freeloader extends SilentChallenger {
  protected override open(arena: Arena): Plan | undefined {
    const others = arena.games.some(({ assertionId }) => assertionId === arena.assertionId);
    return others ? super.open(arena) : undefined;
  }
}

/** Makes each move of an honest challenger in a game of its own, at last the winning one, mined before the original. It computes nothing. */
export class Copycat extends Actor {
  readonly honest = false;
  private readonly opened = new Set<bigint>();
  plan(): undefined {
    return undefined;
  }
  override frontRun(arena: Arena, seen: Plan): Plan | undefined {
    if (seen.from === this.address) return undefined;
    if (seen.call === "open") {
      const id = (seen.args as [bigint])[0];
      if (this.opened.has(id)) return undefined;
      return { ...seen, from: this.address, onMined: () => this.opened.add(id) };
    }
    if (!["select", "selectTensor", "step"].includes(seen.call)) return undefined;
    const [, node, ...rest] = seen.args as [bigint, string, ...unknown[]];
    const mine = arena.liveGames(this.address).find(([, view]) => view.node === node);
    return mine && { ...seen, from: this.address, args: [mine[0], node, ...rest], onMined: () => {} };
  }
}

/** Sends every accepted move of the game again: its own as they were, the others' in its own name. */
export class Replayer extends Challenger {
  private seen = 0;
  override plan(arena: Arena): Plan | undefined {
    for (let at = this.seen; at < arena.log.length; at++) {
      const { plan, refused, actor } = arena.log[at] as Mined;
      const replayable = plan.call !== "open" || actor === this;
      if (refused !== undefined || !replayable || !MOVES.includes(plan.call)) continue;
      const { at: _, ...again } = plan;
      return { ...again, from: this.address, onMined: () => (this.seen = at + 1) };
    }
    return super.plan(arena);
  }
}

const MOVES = [
  "open",
  "commitTrace",
  "reveal",
  "revealBytes",
  "select",
  "selectTensor",
  "step",
  "claimTimeout",
  "closeVoid",
];
