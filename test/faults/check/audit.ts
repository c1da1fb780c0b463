import {
  decodeLogs,
  feeCreditWei,
  gameCreditWei,
  type OperatorView,
  operatorOf,
  quoteWei,
  resultOf,
} from "@surety/chain";
import { parsePhase } from "@surety/protocol";
import { type Address, isAddressEqual, zeroAddress } from "viem";
import type { Truth } from "../actors/truth.ts";
import type { StageSet } from "../stage/stage.ts";
import type { Observation } from "./observe.ts";

/** What every account owned at a block, in wei. */
export interface Holdings {
  readonly block: bigint;
  readonly native: ReadonlyMap<Address, bigint>;
  readonly stake: ReadonlyMap<Address, OperatorView>;
  readonly fees: ReadonlyMap<Address, bigint>;
  readonly winnings: ReadonlyMap<Address, bigint>;
  readonly burnedWei: bigint;
}

export async function takeStock(stage: StageSet): Promise<Holdings> {
  const { direct: chain, addresses, known } = stage;
  const each = async <Value>(ask: (account: Address) => Promise<Value>) =>
    new Map(await Promise.all([...known].map(async (account) => [account, await ask(account)] as const)));
  return {
    block: await chain.client.getBlockNumber(),
    native: await each((address) => chain.client.getBalance({ address })),
    stake: await each((account) => operatorOf(chain, addresses, account)),
    fees: await each((account) => feeCreditWei(chain, addresses, account)),
    winnings: await each((account) => gameCreditWei(chain, addresses, account)),
    burnedWei: await chain.client.getBalance({ address: zeroAddress }),
  };
}

/** What must hold when all is over; an empty list when it does. */
export async function audit(
  stage: StageSet,
  truth: Truth,
  asked: number,
  before: Holdings,
  seen: Observation,
): Promise<string[]> {
  const after = await takeStock(stage);
  return [
    ...(await checkAnswers(stage, truth, asked, seen)),
    ...checkGames(stage, truth, seen),
    ...checkPosts(stage),
    ...checkStakes(stage, before, after, seen),
    ...(await checkLedgers(stage, after)),
    ...(await checkFees(stage, before, after, seen)),
    ...checkWinnings(before, after, seen),
    ...(await checkPurses(stage, before, after, seen)),
  ];
}

/** No lost request: every one has the right answer, finally. No double post: one answer that stands, the others refuted. */
async function checkAnswers(
  { direct, addresses }: StageSet,
  truth: Truth,
  asked: number,
  { requests }: Observation,
): Promise<string[]> {
  const found: string[] = [];
  if (requests.length !== asked)
    found.push(`${asked} requests were made, ${requests.length} are on the chain`);
  for (const { requestId, question, isFinal, assertions } of requests) {
    const right = truth.rightRoot(question);
    const result = await resultOf(direct, addresses, requestId);
    if (!isFinal || result !== right)
      found.push(`request ${requestId}: final ${isFinal}, result ${result}, right ${right}`);
    const standing = assertions.filter(({ state }) => state !== "refuted");
    if (standing.length !== 1) found.push(`request ${requestId} has ${standing.length} answers that stand`);
    for (const { assertionId, outputRoot, state, poster } of assertions) {
      if ((outputRoot === right) === (state === "refuted")) {
        found.push(
          `assertion ${assertionId} of ${poster} is ${state}, and ${outputRoot === right ? "right" : "wrong"}`,
        );
      }
    }
  }
  return found;
}

/** No lost dispute: the honest have won every game that they played to its end. */
function checkGames({ accounts }: StageSet, truth: Truth, { games, requests }: Observation): string[] {
  const found: string[] = [];
  const byAssertion = new Map(
    requests.flatMap((request) =>
      request.assertions.map((one) => [one.assertionId, { request, one }] as const),
    ),
  );
  for (const { gameId, assertionId, challenger, outcome } of games) {
    const disputed = byAssertion.get(assertionId);
    if (disputed === undefined) {
      found.push(`game ${gameId} is about assertion ${assertionId}, which is not there`);
      continue;
    }
    const isLie = disputed.one.outputRoot !== truth.rightRoot(disputed.request.question);
    const isOurs = isAddressEqual(challenger, accounts.challenger);
    if (isOurs && !isLie)
      found.push(`the challenger disputed the right assertion ${assertionId} in game ${gameId}`);
    const wanted = isLie ? ["challenger-won", "void"] : ["poster-won"];
    if (outcome === undefined || !wanted.includes(outcome)) {
      found.push(`game ${gameId} on ${isLie ? "a lie" : "a right answer"} ended with ${outcome}`);
    }
  }
  return found;
}

/** Never two different answers for one question, not even in transactions that were never mined. */
function checkPosts({ wire }: StageSet): string[] {
  const said = new Map<string, string>();
  const found: string[] = [];
  for (const { service, question, output } of wire.posts) {
    const before = said.get(question);
    if (before !== undefined && before !== output)
      found.push(`${service} signed a second answer to ${question}`);
    said.set(question, output);
  }
  return found;
}

/** The honest are never slashed; a liar loses a bond for each lie; nothing stays locked. */
function checkStakes(stage: StageSet, before: Holdings, after: Holdings, { logs }: Observation): string[] {
  const found: string[] = [];
  const honest = Object.values(stage.accounts);
  const expected = new Map(
    [...before.stake].map(([account, { stakeWei }]) => [account.toLowerCase(), stakeWei]),
  );
  const add = (account: Address, wei: bigint) =>
    expected.set(account.toLowerCase(), (expected.get(account.toLowerCase()) ?? 0n) + wei);
  const lost = new Map<string, number>();
  for (const log of logs) {
    if (log.blockNumber <= before.block) continue;
    if (log.eventName === "Deposited") add(log.args.operator, log.args.amountWei);
    if (log.eventName === "Fined") {
      add(log.args.operator, -log.args.amountWei);
      add(log.args.recipient, log.args.paidWei);
    }
    if (log.eventName === "Slashed") {
      add(log.args.operator, -log.args.amountWei);
      const key = log.args.operator.toLowerCase();
      lost.set(key, (lost.get(key) ?? 0) + 1);
    }
    if (log.eventName === "Refuted") {
      const key = log.args.poster.toLowerCase();
      lost.set(key, (lost.get(key) ?? 0) - 1);
    }
  }
  for (const [account, { stakeWei, lockedWei, jailed }] of after.stake) {
    const wanted = expected.get(account.toLowerCase()) ?? 0n;
    if (stakeWei !== wanted) found.push(`${account} has ${stakeWei} wei at stake, not ${wanted}`);
    if (lockedWei !== 0n) found.push(`${lockedWei} wei of ${account} are locked for nothing`);
    if (jailed && honest.some((one) => isAddressEqual(one, account)))
      found.push(`honest ${account} was slashed`);
  }
  for (const [account, difference] of lost) {
    if (difference !== 0) found.push(`${account} was slashed ${difference} times more than it was refuted`);
  }
  return found;
}

/** Every contract holds exactly what it owes. */
async function checkLedgers({ direct, addresses }: StageSet, after: Holdings): Promise<string[]> {
  const sum = (values: Iterable<bigint>) => [...values].reduce((total, wei) => total + wei, 0n);
  const owed = {
    operators: sum([...after.stake.values()].map(({ stakeWei, unbondingWei }) => stakeWei + unbondingWei)),
    oracle: sum(after.fees.values()),
    game: sum(after.winnings.values()),
  };
  const found: string[] = [];
  for (const name of ["operators", "oracle", "game"] as const) {
    const holds = await direct.client.getBalance({ address: addresses[name] });
    if (holds !== owed[name]) found.push(`the contract ${name} holds ${holds} wei and owes ${owed[name]}`);
  }
  return found;
}

/** A fee for each final answer, to whom it is due. */
async function checkFees(
  stage: StageSet,
  before: Holdings,
  after: Holdings,
  { requests }: Observation,
): Promise<string[]> {
  const feeWei = await quoteWei(stage.direct, stage.addresses, stage.bundle.modelId);
  const answers = requests.flatMap(({ assertions }) => assertions.filter(({ state }) => state === "final"));
  return [...after.fees].flatMap(([account, credit]) => {
    const given = answers.filter(({ poster }) => isAddressEqual(poster, account)).length;
    const wanted = (before.fees.get(account) ?? 0n) + BigInt(given) * feeWei;
    return credit === wanted
      ? []
      : [`${account} has ${credit} wei of fees for ${given} more answers, not ${wanted}`];
  });
}

/** The services' own money: what their transactions cost and brought is all that changed, and no wei was lost or made. */
async function checkPurses(
  { direct, addresses, accounts }: StageSet,
  before: Holdings,
  after: Holdings,
  { logs }: Observation,
): Promise<string[]> {
  const expected = new Map<string, bigint>();
  const add = (account: string, wei: bigint) => {
    const key = account.toLowerCase();
    expected.set(key, (expected.get(key) ?? 0n) + wei);
  };
  for (const account of Object.values(accounts)) add(account, before.native.get(account) ?? 0n);
  for (let blockNumber = before.block + 1n; blockNumber <= after.block; blockNumber++) {
    const { transactions } = await direct.client.getBlock({ blockNumber, includeTransactions: true });
    for (const { hash, from, value } of transactions) {
      if (!expected.has(from.toLowerCase())) continue;
      const receipt = await direct.client.getTransactionReceipt({ hash });
      add(from, -receipt.gasUsed * receipt.effectiveGasPrice);
      if (receipt.status === "success") add(from, -value);
      for (const log of decodeLogs(addresses, receipt.logs)) {
        if (log.eventName === "Withdrawn" && "account" in log.args) add(log.args.account, log.args.amountWei);
      }
    }
  }
  const found: string[] = [];
  for (const account of Object.values(accounts)) {
    const has = after.native.get(account) ?? 0n;
    const wanted = expected.get(account.toLowerCase()) ?? 0n;
    if (has !== wanted) found.push(`${account} has ${has} wei, not ${wanted}`);
  }
  const wantedBurnWei = logs.reduce((sum, log) => {
    if (log.blockNumber <= before.block) return sum;
    if (log.eventName === "Slashed") return sum + log.args.burnedWei;
    if (log.eventName === "Fined") return sum + log.args.amountWei - log.args.paidWei;
    const isLostByChallenger = log.eventName === "GameEnded" && parsePhase(log.args.outcome) === "poster-won";
    return isLostByChallenger ? sum + log.args.burnedWei : sum;
  }, 0n);
  const burnedWei = after.burnedWei - before.burnedWei;
  if (burnedWei !== wantedBurnWei) found.push(`${burnedWei} wei were burned, not ${wantedBurnWei}`);
  return found;
}

/** Bonds back and rewards, to whom they are due. */
function checkWinnings(before: Holdings, after: Holdings, { logs, games, requests }: Observation): string[] {
  const expected = new Map([...before.winnings].map(([account, wei]) => [account.toLowerCase(), wei]));
  const add = (account: Address | undefined, wei: bigint) => {
    const key = (account ?? zeroAddress).toLowerCase();
    expected.set(key, (expected.get(key) ?? 0n) + wei);
  };
  const posters = new Map(
    requests.flatMap(({ assertions }) =>
      assertions.map(({ assertionId, poster }) => [assertionId as bigint, poster]),
    ),
  );
  const challengers = new Map(games.map(({ gameId, challenger }) => [gameId as bigint, challenger]));
  for (const log of logs) {
    if (log.blockNumber <= before.block || log.contract !== "game") continue;
    if (log.eventName === "Withdrawn") add(log.args.account, -log.args.amountWei);
    if (log.eventName !== "GameEnded") continue;
    const { gameId, assertionId, outcome, paidWei } = log.args;
    add(parsePhase(outcome) === "poster-won" ? posters.get(assertionId) : challengers.get(gameId), paidWei);
  }
  return [...after.winnings].flatMap(([account, wei]) => {
    const wanted = expected.get(account.toLowerCase()) ?? 0n;
    return wei === wanted ? [] : [`${account} has ${wei} wei of winnings, not ${wanted}`];
  });
}
