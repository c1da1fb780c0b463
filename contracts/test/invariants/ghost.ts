import type { Address, Hex } from "viem";
import type { SuretyParameters } from "../../../chain/src/deploy.ts";
import type { Delivery } from "../../../chain/src/reads/request.ts";
import { ZERO_ADDRESS } from "../support/surety.ts";
import { type Draw, Draws } from "./draws.ts";

/**
 * What the contracts should do, said once more and more simply: a program of three instructions, so that a game is commit, selectTensor,
 * revealBytes, step. Each `...Error` gives the error that an action must be refused with at a time, or undefined when it must be accepted.
 */
export interface Operator {
  stakeWei: bigint;
  lockedWei: bigint;
  unbondingWei: bigint;
  unbondsAt: number;
  jailed: boolean;
  serves: boolean;
}

export interface Request {
  readonly id: bigint;
  status: "open" | "asserted" | "final" | "refunded";
  attempt: number;
  draw: Draw;
  exclusiveUntil: number;
  readonly deadline: number;
  readonly requester: Address;
  /** Of the token, if one pays; else wei. */
  readonly fee: bigint;
  readonly inToken: boolean;
  readonly delivery: Delivery;
  /** What an answer locks, and how long it can be challenged. */
  readonly bondWei: bigint;
  readonly windowSeconds: number;
  /** What the requester's verifier of early finality would say. */
  verifier: "none" | "yes" | "no";
  /** The consumer took the current answer provisionally. */
  told: boolean;
  callbackOwed: boolean;
  revocationDue: boolean;
}

const wantsProvisional = ({ delivery }: Request) => delivery === "provisional" || delivery === "both";
const wantsFinal = ({ delivery }: Request) => delivery === "final" || delivery === "both";

export interface Assertion {
  readonly request: Request;
  readonly attempt: number;
  readonly poster: Address;
  readonly lies: boolean;
  readonly postedAt: number;
  readonly postedBlock: bigint;
  /** A game was opened before the trace was committed. */
  demanded: boolean;
  committedAt: number;
  bytesAt: number;
  openGames: number;
}

export interface Game {
  readonly id: bigint;
  readonly assertion: Assertion;
  readonly challenger: Address;
  stage: "trace" | "tensor" | "over";
  selectedAt: number;
  posterLeft: number;
  challengerLeft: number;
}

type Turn = "poster" | "challenger" | "poster-late" | "challenger-late";

export const refuted = ({ request, attempt }: Assertion) => attempt < request.attempt;
export const idOf = ({ request, attempt }: Assertion) => request.id * 256n + BigInt(attempt);

export class Ghost {
  readonly operators = new Map<Address, Operator>();
  readonly requests: Request[] = [];
  readonly assertions: Assertion[] = [];
  readonly games: Game[] = [];
  readonly draws = new Draws();
  readonly gameCredits = new Map<Address, bigint>();
  readonly oracleCredits = new Map<Address, bigint>();
  readonly tokenCredits = new Map<Address, bigint>();
  burnedWei = 0n;
  /** Turns missed, so that a test can tell that there were any. */
  fines = 0;
  readonly parameters: SuretyParameters;
  /** The one requester with code; whether it takes what it is called back with at present, and what it took so far. */
  readonly consumer: Address;
  accepts = true;
  readonly heard = { provisional: 0, revoked: 0, final: 0 };
  constructor(parameters: SuretyParameters, consumer: Address) {
    this.parameters = parameters;
    this.consumer = consumer;
  }

  operator(account: Address): Operator {
    const known = this.operators.get(account);
    if (known !== undefined) return known;
    const fresh = {
      stakeWei: 0n,
      lockedWei: 0n,
      unbondingWei: 0n,
      unbondsAt: 0,
      jailed: false,
      serves: false,
    };
    this.operators.set(account, fresh);
    return fresh;
  }

  credit(ledger: Map<Address, bigint>, account: Address, wei: bigint): void {
    ledger.set(account, (ledger.get(account) ?? 0n) + wei);
  }

  creditFee({ inToken, fee }: Request, account: Address): void {
    this.credit(inToken ? this.tokenCredits : this.oracleCredits, account, fee);
  }

  private burn(bondWei: bigint): bigint {
    const paid = (bondWei * BigInt(10_000 - this.parameters.burnBps)) / 10_000n;
    this.burnedWei += bondWei - paid;
    return paid;
  }

  /** Whose turn it is and what is left of the clocks at a time: docs/protocol.md, "Each side has a clock". */
  clock(game: Game, now: number): { turn: Turn; poster: number; challenger: number } {
    const { extensionSeconds } = this.parameters;
    const revealedAt = game.stage === "trace" ? game.assertion.committedAt : game.assertion.bytesAt;
    let poster = game.posterLeft;
    let began = game.selectedAt;
    if (revealedAt === 0 || revealedAt > game.selectedAt) {
      const left =
        game.selectedAt + Math.max(poster, extensionSeconds) - (revealedAt === 0 ? now : revealedAt);
      if (left < 0) return { turn: "poster-late", poster: 0, challenger: game.challengerLeft };
      if (revealedAt === 0) return { turn: "poster", poster: left, challenger: game.challengerLeft };
      poster = left;
      began = revealedAt;
    }
    const challenger = began + Math.max(game.challengerLeft, extensionSeconds) - now;
    return challenger < 0
      ? { turn: "challenger-late", poster, challenger: 0 }
      : { turn: "challenger", poster, challenger };
  }

  beginUnbondingError({ stakeWei, lockedWei, serves, jailed }: Operator, wei: bigint): string | undefined {
    if (wei > stakeWei - lockedWei) return "StakeTooLow";
    return stakeWei - wei < this.parameters.minStakeWei && serves && !jailed ? "StakeTooLow" : undefined;
  }

  joinError({ jailed, stakeWei, serves }: Operator): string | undefined {
    if (jailed) return "OperatorJailed";
    if (stakeWei < this.parameters.minStakeWei) return "StakeTooLow";
    return serves ? "AlreadyServing" : undefined;
  }

  withdrawStakeError({ unbondingWei, unbondsAt }: Operator, now: number): string | undefined {
    if (unbondingWei === 0n) return "NothingToWithdraw";
    return now < unbondsAt ? "StillUnbonding" : undefined;
  }

  /** docs/protocol.md, "Value at risk". */
  termsOf(valueAtRiskWei: bigint): [bondWei: bigint, windowSeconds: number] {
    const { assertionBondWei: least, bondBps, challengeWindowSeconds: shortest } = this.parameters;
    const { maxAssertionBondWei: most = least, maxChallengeWindowSeconds: longest = 2 * shortest } =
      this.parameters;
    const asked = (valueAtRiskWei * BigInt(bondBps) + 9_999n) / 10_000n;
    const bondWei = asked < least ? least : asked;
    const longer = (Number(bondWei - least) / Number(most - least)) * (longest - shortest);
    return [bondWei, shortest + Math.ceil(longer)];
  }

  /** Of a request that one signs and another sends. */
  delegatedError(
    signed: {
      readonly requester: Address;
      readonly signer: Address;
      readonly validUntil: number;
      readonly maxFee: bigint;
      readonly fee: bigint;
      readonly isUsed: boolean;
    },
    now: number,
  ): string | undefined {
    if (now > signed.validUntil) return "DelegationExpired";
    if (signed.isUsed) return "NonceUsed";
    if (signed.fee > signed.maxFee) return "FeeAboveMaximum";
    return signed.signer === signed.requester ? this.requestError() : "WrongSignature";
  }

  requestError(): string | undefined {
    return [...this.operators.values()].some(({ serves }) => serves) ? undefined : "NobodyServes";
  }

  evictError({ jailed, serves }: Operator): string | undefined {
    if (!jailed) return "NotJailed";
    return serves ? undefined : "NotServing";
  }

  /** Who may answer alone in a block; zero when anyone may. */
  assignee({ draw, bondWei }: Request, block: bigint): { operator: Address; sure: boolean } {
    const { assertionBondWei: least } = this.parameters;
    return this.draws.assignee(draw, block, {
      isJailed: (who) => this.operator(who).jailed,
      hasBond: (who) => this.free(who) >= bondWei,
      isLeast: bondWei === least,
    });
  }

  private free(who: Address): bigint {
    const { stakeWei, lockedWei } = this.operator(who);
    return stakeWei - lockedWei;
  }

  /** To be called after every action: who has no bond free any more has lost its draws. */
  look(): void {
    const { assertionBondWei, maxAssertionBondWei = assertionBondWei } = this.parameters;
    this.draws.look(
      (who) => this.free(who) >= assertionBondWei,
      (who) => this.free(who) >= maxAssertionBondWei,
    );
  }

  postError(request: Request, who: Address, now: number, block: bigint): string | undefined {
    const { stakeWei, lockedWei, serves, jailed } = this.operator(who);
    if (request.status !== "open") return "WrongStatus";
    if (now > request.deadline) return "DeadlinePassed";
    const { operator: assignee } = this.assignee(request, block);
    if (now <= request.exclusiveUntil && assignee !== ZERO_ADDRESS && who !== assignee) return "NotYourTurn";
    if (!serves || jailed) return "NotServing";
    return stakeWei - lockedWei < request.bondWei ? "StakeTooLow" : undefined;
  }

  post(request: Request, poster: Address, lies: boolean, now: number, block: bigint): void {
    const { operator: assignee, sure } = this.assignee(request, block);
    request.status = "asserted";
    this.operator(poster).lockedWei += request.bondWei;
    this.look();
    if (sure && assignee !== poster && now > request.exclusiveUntil) this.fine(assignee, poster);
    const { attempt } = request;
    this.assertions.push({
      request,
      attempt,
      poster,
      lies,
      postedAt: now,
      postedBlock: block,
      demanded: false,
      committedAt: 0,
      bytesAt: 0,
      openGames: 0,
    });
    if (wantsProvisional(request)) this.callBack(request, "provisional");
  }

  /** An answer's callback: held back by a revocation, refused by who has no code or does not want it. */
  private callBack(request: Request, kind: "provisional" | "final"): void {
    const taken = !request.revocationDue && request.requester === this.consumer && this.accepts;
    request.callbackOwed = !taken;
    if (!taken) return;
    this.heard[kind]++;
    if (kind === "provisional") request.told = true;
  }

  retryError({ callbackOwed, revocationDue }: Request): string | undefined {
    if (!callbackOwed) return "NothingToRetry";
    return revocationDue ? "RevocationDue" : undefined;
  }

  retry(request: Request): void {
    this.callBack(request, request.status === "final" && wantsFinal(request) ? "final" : "provisional");
  }

  revokeError({ revocationDue }: Request): string | undefined {
    return revocationDue ? undefined : "NothingToRevoke";
  }

  revoke(request: Request): void {
    if (!this.accepts) return;
    request.revocationDue = false;
    this.heard.revoked++;
  }

  get reuseFeeWei(): bigint {
    return (this.parameters.baseFeeWei * BigInt(this.parameters.reuseFeeBps)) / 10_000n;
  }

  reuseError({ status, verifier }: Request): string | undefined {
    if (status !== "final") return "WrongStatus";
    return verifier === "none" ? undefined : "NotReusable";
  }

  reuse(request: Request): void {
    this.credit(this.oracleCredits, (this.standing(request) as Assertion).poster, this.reuseFeeWei);
    this.heard.final++;
  }

  /** Who is drawn first has had a bond free ever since, and a fine is less. */
  private fine(assignee: Address, poster: Address): void {
    const { missedTurnPenaltyWei: wei } = this.parameters;
    this.operator(assignee).stakeWei -= wei;
    this.operator(poster).stakeWei += this.burn(wei);
    this.fines++;
  }

  standing(request: Request): Assertion | undefined {
    return this.assertions.find((a) => a.request === request && a.attempt === request.attempt);
  }

  finaliseError(request: Request, now: number): string | undefined {
    const assertion = this.standing(request);
    if (request.status !== "asserted" || assertion === undefined) return "WrongStatus";
    if (now < assertion.postedAt + request.windowSeconds) return "WindowOpen";
    return assertion.openGames > 0 ? "GamesOpen" : undefined;
  }

  chooseError({ status, requester }: Request, who: Address): string | undefined {
    if (who !== requester) return "NotRequester";
    return status === "open" ? undefined : "WrongStatus";
  }

  finaliseEarlyError(request: Request, now: number): string | undefined {
    const assertion = this.standing(request);
    if (request.status !== "asserted" || assertion === undefined) return "WrongStatus";
    if (now >= assertion.postedAt + request.windowSeconds) return "WindowClosed";
    if (assertion.openGames > 0) return "GamesOpen";
    return request.verifier === "yes" ? undefined : "EarlyFinalityRefused";
  }

  finalise(request: Request): void {
    const { poster } = this.standing(request) as Assertion;
    request.status = "final";
    this.operator(poster).lockedWei -= request.bondWei;
    this.creditFee(request, poster);
    if (wantsFinal(request)) this.callBack(request, "final");
  }

  refundError(request: Request, now: number): string | undefined {
    if (request.status !== "open") return "WrongStatus";
    return now <= request.deadline ? "DeadlineNotPassed" : undefined;
  }

  openError(assertion: Assertion, who: Address, now: number): string | undefined {
    if (this.games.some((game) => game.assertion === assertion && game.challenger === who))
      return "GameExists";
    if (refuted(assertion)) return "AlreadyRefuted";
    if (now >= assertion.postedAt + assertion.request.windowSeconds) return "WindowClosed";
    return assertion.request.status === "asserted" ? undefined : "WrongStatus";
  }

  open(id: bigint, assertion: Assertion, challenger: Address, now: number): void {
    const { clockSeconds } = this.parameters;
    assertion.openGames++;
    assertion.demanded ||= assertion.committedAt === 0;
    const clocks = { posterLeft: clockSeconds, challengerLeft: clockSeconds };
    this.games.push({ id, assertion, challenger, stage: "trace", selectedAt: now, ...clocks });
  }

  commitError(assertion: Assertion): string | undefined {
    if (refuted(assertion) || assertion.request.status !== "asserted") return "NotDisputable";
    return assertion.committedAt === 0 ? undefined : "AlreadyCommitted";
  }

  /** What every walking move asks first: a live game whose trace is committed, and the node of its stage. */
  private walkError(game: Game, stage: Game["stage"]): string | undefined {
    const { assertion } = game;
    if (game.stage === "over" || refuted(assertion) || assertion.committedAt === 0) return "WrongPhase";
    return game.stage === stage ? undefined : "HashMismatch";
  }

  selectTensorError(game: Game, now: number): string | undefined {
    return this.walkError(game, "trace") ?? this.turnError(game, "challenger", now);
  }

  selectTensor(game: Game, now: number): void {
    const { poster, challenger } = this.clock(game, now);
    Object.assign(game, { stage: "tensor", selectedAt: now, posterLeft: poster, challengerLeft: challenger });
  }

  revealError(game: Game, now: number): string | undefined {
    const early = this.walkError(game, "tensor");
    if (early !== undefined) return early;
    return game.assertion.bytesAt !== 0 ? "AlreadyRevealed" : this.turnError(game, "poster", now);
  }

  stepError(game: Game, now: number): string | undefined {
    const early = this.walkError(game, "tensor") ?? this.turnError(game, "challenger", now);
    return early ?? (game.assertion.lies ? undefined : "ElementIsRight");
  }

  private turnError(game: Game, turn: Turn, now: number): string | undefined {
    return this.clock(game, now).turn === turn ? undefined : "NotYourTurn";
  }

  timeoutError(game: Game, now: number): string | undefined {
    if (game.stage === "over" || refuted(game.assertion)) return "NoTimeout";
    return this.clock(game, now).turn.endsWith("late") ? undefined : "NoTimeout";
  }

  closeVoidError(game: Game): string | undefined {
    return game.stage !== "over" && refuted(game.assertion) ? undefined : "WrongPhase";
  }

  closeVoid(game: Game): void {
    game.stage = "over";
    this.credit(this.gameCredits, game.challenger, this.parameters.challengeBondWei);
  }

  challengerWins(game: Game, now: number, mined: { blockNumber: bigint; blockHash: Hex }): void {
    const { challengeBondWei, exclusiveSeconds } = this.parameters;
    const { request, poster } = game.assertion;
    const { bondWei } = request;
    game.stage = "over";
    this.credit(this.gameCredits, game.challenger, challengeBondWei + this.burn(bondWei));
    const operator = this.operator(poster);
    operator.stakeWei -= bondWei;
    operator.lockedWei -= bondWei;
    operator.jailed = true;
    request.attempt++;
    request.revocationDue ||= request.told;
    request.told = false;
    request.callbackOwed = false;
    Object.assign(request, {
      status: "open",
      draw: this.draws.open(request.id, request.attempt, mined),
      exclusiveUntil: now + exclusiveSeconds,
    });
  }

  posterWins(game: Game): void {
    game.stage = "over";
    game.assertion.openGames--;
    this.credit(this.gameCredits, game.assertion.poster, this.burn(this.parameters.challengeBondWei));
  }

  /** Wei that each contract must hold, and tokens that the oracle must: credits and what is open. */
  held(): { game: bigint; oracle: bigint; operators: bigint; tokens: bigint } {
    const sum = (values: Iterable<bigint>) => [...values].reduce((a, b) => a + b, 0n);
    const bonded = this.games.filter(({ stage }) => stage !== "over").length;
    const asked = this.requests.filter(({ status }) => status === "open" || status === "asserted");
    const fees = (tokens: boolean) =>
      sum(asked.filter(({ inToken }) => inToken === tokens).map(({ fee }) => fee));
    return {
      game: sum(this.gameCredits.values()) + BigInt(bonded) * this.parameters.challengeBondWei,
      oracle: sum(this.oracleCredits.values()) + fees(false),
      tokens: sum(this.tokenCredits.values()) + fees(true),
      operators: sum(
        [...this.operators.values()].map(({ stakeWei, unbondingWei }) => stakeWei + unbondingWei),
      ),
    };
  }
}
