import { type Random, randomFrom } from "../../../contracts/test/support/random.ts";

/** The processes of a stage that are Surety's own. */
export const SERVICES = ["node A", "node B", "worker", "challenger"] as const;
export type ServiceName = (typeof SERVICES)[number];
/** Those that ask the chain; a worker does not. */
export const CHAIN_SERVICES = ["node A", "node B", "challenger"] as const;
export type ChainServiceName = (typeof CHAIN_SERVICES)[number];

/** What the chain is waiting for when a fault comes. */
export const STAGES = ["any", "asked", "post", "open", "move", "finalise"] as const;
export type Stage = (typeof STAGES)[number];

/** `sender`: whose transaction began the stage. */
export type Target<Name> = Name | "sender";

export type Fault =
  /** kill -9; started again after `forMs`. */
  | { readonly kind: "kill"; readonly target: Target<ServiceName> }
  /** Stands still for `forMs`, as a machine that swaps. */
  | { readonly kind: "freeze"; readonly target: Target<ServiceName> }
  /** The chain makes no blocks. */
  | { readonly kind: "chain-halt" }
  /** kill -9 of the chain, which comes back with the state of some blocks before and without its pending transactions. */
  | { readonly kind: "chain-kill"; readonly lostBlocks: number }
  /** The last blocks are replaced: with their transactions a block later, with some of them, or without. */
  | { readonly kind: "reorg"; readonly depth: number; readonly keep: "all" | "some" | "none" }
  | { readonly kind: "rpc"; readonly target: Target<ChainServiceName>; readonly how: RpcTrouble }
  | { readonly kind: "redis"; readonly how: RedisTrouble }
  /** Killed, and started with a clock that is so many seconds off. */
  | { readonly kind: "clock"; readonly target: ServiceName; readonly offBySeconds: number }
  /** Its disk is full; where it ends it is started again as often as it takes. */
  | { readonly kind: "disk"; readonly target: ServiceName }
  /** A second process with the same key, on the same store or one of its own. */
  | { readonly kind: "twin"; readonly target: ChainServiceName; readonly store: "same" | "own" };

export type FaultKind = Fault["kind"];
export const FAULT_KINDS = [
  ...(["kill", "reorg", "rpc", "redis", "chain-kill"] as const),
  ...(["clock", "disk", "twin", "freeze", "chain-halt"] as const),
] as const satisfies readonly FaultKind[];

export const RPC_TROUBLES = [
  ...(["silent", "hang-up", "limited", "unavailable"] as const),
  ...(["behind", "ahead", "forked", "drops-transactions", "stale-state"] as const),
] as const;
export type RpcTrouble = (typeof RPC_TROUBLES)[number];
export const REDIS_TROUBLES = ["killed", "frozen", "disconnected", "full", "emptied"] as const;
export type RedisTrouble = (typeof REDIS_TROUBLES)[number];

export interface PlannedFault {
  readonly fault: Fault;
  /** Begins so long after the `nth` transaction of the stage was sent (`asked`: was mined; `any`: the schedule began). */
  readonly at: { readonly stage: Stage; readonly nth: number; readonly delayMs: number };
  readonly forMs: number;
}

/** A poster that lies about every answer which it is drawn for. */
export interface Liar {
  /** Which instruction's tensor and which part of its elements, from 0 to 1. */
  readonly layer: number;
  readonly share: number;
  /** Moves that it makes in each game before it falls silent. */
  readonly moves: number;
}

/** Somebody who disputes a right answer. */
export interface Shill {
  readonly layer: number;
  readonly leaf: number;
  readonly moves: number;
}

export interface Schedule {
  readonly index: number;
  readonly seed: number;
  /** When each request is made, and with which image. */
  readonly asks: readonly { readonly atMs: number; readonly image: number }[];
  readonly liars: readonly Liar[];
  readonly shill: Shill | undefined;
  readonly faults: readonly PlannedFault[];
}

/** Images that are asked about. */
export const IMAGES = 40;
/** Instructions of the model. */
const LAYERS = 6;

/** Schedule number `index` of a run: everything that is random in it follows from the run's seed and its number. */
export function planSchedule(runSeed: number, index: number, kinds: readonly FaultKind[]): Schedule {
  const seed = (runSeed + Math.imul(index + 1, 0x9e3779b1)) >>> 0;
  const random = randomFrom(seed);
  // The first schedules take two kinds in turn each, so that a handful has them all.
  const inTurn = 2 * index < kinds.length ? 2 : 1;
  const count = random.int(inTurn, 3);
  const planned = Array.from({ length: count }, (_, i) =>
    planFault(random, i < inTurn ? (kinds[(2 * index + i) % kinds.length] as FaultKind) : random.pick(kinds)),
  );
  return {
    index,
    seed,
    asks: Array.from({ length: random.int(2, 4) }, () => ({
      atMs: random.int(0, 1_500),
      image: random.int(0, IMAGES - 1),
    })),
    liars: Array.from({ length: random.chance(0.7) ? random.int(1, 2) : 0 }, () => ({
      layer: random.int(0, LAYERS - 1),
      share: random.bits() / 2 ** 32,
      moves: random.chance(0.7) ? 100 : random.int(0, 3),
    })),
    shill: random.chance(0.3)
      ? { layer: random.int(0, LAYERS - 1), leaf: 0, moves: random.int(0, 4) }
      : undefined,
    faults: planned,
  };
}

function planFault(random: Random, kind: FaultKind): PlannedFault {
  const fault = drawFault(random, kind);
  const stage = random.pick(STAGES);
  const isSlow = kind === "kill" || kind === "clock" || kind === "twin";
  return {
    fault,
    at: { stage, nth: random.int(1, 3), delayMs: random.chance(0.3) ? 0 : random.int(0, 800) },
    forMs: isSlow ? random.int(0, 1_500) : random.int(300, 3_000),
  };
}

function drawFault(random: Random, kind: FaultKind): Fault {
  switch (kind) {
    case "kill":
    case "freeze":
      return { kind, target: random.chance(0.5) ? "sender" : random.pick(SERVICES) };
    case "chain-halt":
      return { kind };
    case "chain-kill":
      return { kind, lostBlocks: random.int(0, 4) };
    case "reorg":
      return { kind, depth: random.int(1, 5), keep: random.pick(["all", "some", "none"]) };
    case "rpc": {
      const target = random.chance(0.5) ? "sender" : random.pick(CHAIN_SERVICES);
      return { kind, target, how: random.pick(RPC_TROUBLES) };
    }
    case "redis":
      return { kind, how: random.pick(REDIS_TROUBLES) };
    case "clock":
      return {
        kind,
        target: random.pick(SERVICES),
        offBySeconds: random.pick([-40_000_000, -86_400, -600, 600, 86_400, 40_000_000]),
      };
    case "disk":
      return { kind, target: random.pick(SERVICES) };
    case "twin":
      return { kind, target: random.pick(CHAIN_SERVICES), store: random.pick(["same", "own"]) };
  }
}

/** A fault in a few words. */
export function describeFault({ fault, at, forMs }: PlannedFault): string {
  const { kind, ...rest } = fault;
  const when = at.stage === "any" ? `at ${at.delayMs} ms` : `${at.delayMs} ms after ${at.stage} ${at.nth}`;
  return `${[kind, ...Object.values(rest)].join(" ")} (${when}, ${forMs} ms)`;
}
