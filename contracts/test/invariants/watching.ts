import type { Address } from "viem";
import type { AttentionParameters } from "../../../chain/src/deploy.ts";
import { type Assertion, type Ghost, refuted } from "./ghost.ts";

interface Watcher {
  stakeWei: bigint;
  since: bigint;
  until: bigint;
  withdrawableAt: number;
}

interface Test {
  auditedAt: number;
  leaked: boolean;
  fined: boolean;
  /** Who has shown attention, and whether to the trace that its poster has. */
  readonly attended: Map<Address, boolean>;
  readonly settled: Set<Address>;
}

/** What the attention tests should do, said once more: every watcher is asked, every answer may be audited (docs/protocol.md). */
export class Watching {
  readonly watchers = new Map<Address, Watcher>();
  readonly credits = new Map<Address, bigint>();
  poolWei = 0n;
  private readonly tests = new Map<Assertion, Test>();
  private readonly ghost: Ghost;
  private readonly p: AttentionParameters;
  constructor(ghost: Ghost, parameters: AttentionParameters) {
    this.ghost = ghost;
    this.p = parameters;
  }

  watcher(who: Address): Watcher {
    const known = this.watchers.get(who) ?? { stakeWei: 0n, since: 0n, until: 0n, withdrawableAt: 0 };
    this.watchers.set(who, known);
    return known;
  }

  test(assertion: Assertion): Test {
    const known = this.tests.get(assertion) ?? {
      ...{ auditedAt: 0, leaked: false, fined: false },
      ...{ attended: new Map(), settled: new Set<Address>() },
    };
    this.tests.set(assertion, known);
    return known;
  }

  get audited(): Assertion[] {
    return [...this.tests].flatMap(([assertion, { auditedAt }]) => (auditedAt === 0 ? [] : [assertion]));
  }

  watchError(who: Address): string | undefined {
    return this.watcher(who).since === 0n ? undefined : "AlreadyWatching";
  }

  watch(who: Address, block: bigint): void {
    Object.assign(this.watcher(who), { stakeWei: this.p.watcherStakeWei, since: block });
  }

  stopError(who: Address): string | undefined {
    const { since, until } = this.watcher(who);
    return since === 0n || until !== 0n ? "NotWatching" : undefined;
  }

  stop(who: Address, block: bigint, now: number): void {
    Object.assign(this.watcher(who), { until: block, withdrawableAt: now + this.p.leaveSeconds });
  }

  withdrawStakeError(who: Address, now: number): string | undefined {
    const { until, withdrawableAt } = this.watcher(who);
    if (until === 0n) return "NotWatching";
    return now < withdrawableAt ? "StakeNotDue" : undefined;
  }

  withdrawStake(who: Address): void {
    this.ghost.credit(this.credits, who, this.watcher(who).stakeWei);
    this.watchers.delete(who);
  }

  private standingError(assertion: Assertion): string | undefined {
    return refuted(assertion) || assertion.request.status !== "asserted" ? "NotStanding" : undefined;
  }

  private lastBlock({ postedBlock }: Assertion): bigint {
    return postedBlock + BigInt(this.p.attentionBlocks);
  }

  attendError(assertion: Assertion, who: Address, block: bigint): string | undefined {
    const early = this.standingError(assertion);
    if (early !== undefined) return early;
    if (block > this.lastBlock(assertion)) return "AttentionOver";
    return this.test(assertion).attended.has(who) ? "AlreadyAttended" : undefined;
  }

  auditError(assertion: Assertion, now: number, block: bigint): string | undefined {
    const early = this.standingError(assertion);
    if (early !== undefined) return early;
    const last = this.lastBlock(assertion);
    if (block <= last) return "AttentionOpen";
    if (this.test(assertion).auditedAt !== 0) return "AlreadyAudited";
    const ends = assertion.postedAt + assertion.request.windowSeconds;
    if (block > last + 256n || now + 2 * this.p.revealSeconds > ends) return "TooLateToAudit";
    const isDemanded = assertion.committedAt !== 0 && assertion.demanded;
    return assertion.request.verifier !== "none" || isDemanded ? "NothingToShow" : undefined;
  }

  audit(assertion: Assertion, now: number): void {
    Object.assign(this.test(assertion), { auditedAt: now, leaked: assertion.committedAt !== 0 });
  }

  showPosterError(assertion: Assertion, now: number): string | undefined {
    const { auditedAt, leaked, fined } = this.test(assertion);
    const by = auditedAt + this.p.revealSeconds;
    const isSilent = now > by && (assertion.committedAt === 0 || assertion.committedAt > by);
    const { stakeWei, lockedWei } = this.ghost.operator(assertion.poster);
    const isDue = auditedAt !== 0 && !fined && !refuted(assertion) && (leaked || isSilent);
    return isDue && stakeWei - lockedWei >= this.p.posterFineWei ? undefined : "NothingToShow";
  }

  showPoster(assertion: Assertion, from: Address): void {
    const { posterFineWei, bountyBps } = this.p;
    this.test(assertion).fined = true;
    const paid = (posterFineWei * BigInt(bountyBps)) / 10_000n;
    this.ghost.operator(assertion.poster).stakeWei -= posterFineWei;
    this.ghost.operator(from).stakeWei += paid;
    this.ghost.burnedWei += posterFineWei - paid;
  }

  /** Whether a watcher has passed; undefined where there is no test of it. */
  private passed(assertion: Assertion, who: Address): boolean | undefined {
    const { auditedAt, leaked, attended, settled } = this.test(assertion);
    const { committedAt, postedBlock, request, attempt } = assertion;
    const isShown = auditedAt !== 0 && !leaked && committedAt >= auditedAt;
    if (!isShown || committedAt > auditedAt + this.p.revealSeconds) return undefined;
    if (request.status !== "final" || attempt !== request.attempt || settled.has(who)) return undefined;
    const { since, until, stakeWei } = this.watcher(who);
    const isWatching = since !== 0n && since < postedBlock && (until === 0n || until >= postedBlock);
    return isWatching && stakeWei >= this.p.fineWei ? attended.get(who) === true : undefined;
  }

  rewardError(assertion: Assertion, who: Address): string | undefined {
    if (this.passed(assertion, who) !== true) return "NothingToShow";
    return this.poolWei < this.p.rewardWei ? "PoolTooLow" : undefined;
  }

  reward(assertion: Assertion, who: Address): void {
    this.settle(assertion, who);
    this.poolWei -= this.p.rewardWei;
    this.ghost.credit(this.credits, who, this.p.rewardWei);
  }

  showWatcherError(assertion: Assertion, who: Address): string | undefined {
    return this.passed(assertion, who) === false ? undefined : "NothingToShow";
  }

  showWatcher(assertion: Assertion, who: Address, from: Address): void {
    this.settle(assertion, who);
    const bounty = (this.p.fineWei * BigInt(this.p.bountyBps)) / 10_000n;
    this.watcher(who).stakeWei -= this.p.fineWei;
    this.poolWei += this.p.fineWei - bounty;
    this.ghost.credit(this.credits, from, bounty);
  }

  private settle(assertion: Assertion, who: Address): void {
    this.test(assertion).settled.add(who);
    // Attending again is refused from now on.
    this.test(assertion).attended.set(who, this.test(assertion).attended.get(who) ?? false);
  }

  /** Wei that the contract must hold. */
  held(): bigint {
    const stakes = [...this.watchers.values()].reduce((sum, { stakeWei }) => sum + stakeWei, 0n);
    return [...this.credits.values()].reduce((sum, wei) => sum + wei, this.poolWei + stakes);
  }
}
