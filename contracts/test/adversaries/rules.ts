import { attentionTestsAbi } from "@surety/protocol";
import type { Abi, Address, Hex } from "viem";
import { expect } from "vitest";
import { type Model, outputRootOf } from "../support/models.ts";
import { type At, type Surety, ZERO_ADDRESS } from "../support/surety.ts";
import { type Arena, STATUS } from "./arena.ts";

/** The attention tests of a deployment that has them. */
const attentionOf = ({ addresses: { attention } }: Surety): At[] =>
  attention === undefined ? [] : [{ address: attention, abi: attentionTestsAbi as Abi }];

/** All that an account owns: at hand, credited, staked. Transactions are free here; gas is counted apart. */
async function wealthOf(surety: Surety, account: Address, modelId?: Hex): Promise<bigint> {
  const { balance, read, game, oracle, operators } = surety;
  const [attention] = attentionOf(surety);
  const watched =
    attention === undefined || modelId === undefined
      ? 0n
      : (await read<{ stakeWei: bigint }>(attention, "watcherOf", [modelId, account])).stakeWei;
  const { stakeWei, unbondingWei } = await read<{ stakeWei: bigint; unbondingWei: bigint }>(
    operators,
    "operatorOf",
    [account],
  );
  const credits = await Promise.all(
    [game, oracle, ...attentionOf(surety)].map((contract) => read<bigint>(contract, "creditOf", [account])),
  );
  return (
    (await balance(account)) +
    stakeWei +
    unbondingWei +
    watched +
    credits.reduce((sum, credit) => sum + credit, 0n)
  );
}

export type Wealth = ReadonlyMap<Address, bigint>;

/** Of each account, with its stake as a watcher of a model; the burned is the zero address'. */
export async function wealth(surety: Surety, model?: Model): Promise<Wealth> {
  const accounts = [...surety.accounts, surety.deployer, ZERO_ADDRESS];
  const each = await Promise.all(accounts.map((account) => wealthOf(surety, account, model?.modelId)));
  return new Map(accounts.map((account, i) => [account, each[i] as bigint]));
}

/** Wei held by the contracts that move money. */
async function held(surety: Surety): Promise<bigint> {
  const { balance, addresses } = surety;
  const attention = attentionOf(surety).map(({ address }) => address);
  const each = await Promise.all(
    [addresses.game, addresses.oracle, addresses.operators, ...attention].map((address) => balance(address)),
  );
  return each.reduce((sum, wei) => sum + wei, 0n);
}

/** Wei that pays a model's watchers, and is nobody's yet. */
async function pooled(surety: Surety, modelId: Hex): Promise<bigint> {
  const [attention] = attentionOf(surety);
  return attention === undefined ? 0n : surety.read<bigint>(attention, "poolOf", [modelId]);
}

/** Wei that the contracts owe when nothing is open: credits, stakes, pools. */
async function owed(surety: Surety, modelId: Hex): Promise<bigint> {
  const accounts = [...surety.accounts, surety.deployer];
  const [atHand, all] = await Promise.all([
    Promise.all(accounts.map((account) => surety.balance(account))),
    Promise.all(accounts.map((account) => wealthOf(surety, account, modelId))),
  ]);
  return all.reduce((sum, wei, i) => sum + wei - (atHand[i] as bigint), await pooled(surety, modelId));
}

export interface Outcome {
  /** Change of wealth by account. */
  readonly gained: (account: Address) => bigint;
  readonly burnedWei: bigint;
}

export interface Expected {
  /** Default: the request ends with the right answer. */
  readonly refunded?: boolean;
  /** Of the request. Default: the one of a callback of 100,000 gas. */
  readonly feeWei?: bigint;
  /** Honest parties whose gas nobody pays back in native currency; docs/threat-model.md says why. */
  readonly uncovered?: readonly Address[];
  /** What the request ends with. Default: the right answer. */
  readonly outputRoot?: Hex;
  /** What all that are not honest gain at most, taken together. Default: nothing. */
  readonly plotWei?: bigint;
  /** Wei that went into a model's pool of rewards since, and not out again. Default: none. */
  readonly pooledWei?: bigint;
}

/**
 * What must be true after every match, whoever played: the right verdict; bonds in = paid + burned + held; no honest party poorer than before but
 * for gas that its reward covers; lying never pays; every game within its bound.
 */
export async function checkRules(
  arena: Arena,
  before: Wealth,
  requester: Address,
  { refunded = false, uncovered = [], ...expected }: Expected = {},
): Promise<Outcome> {
  const { surety, question, requestId, request, actors, games, gasOf } = arena;
  const { read, oracle, game, parameters } = surety;

  // The right verdict.
  expect(request.status, "status").toBe(refunded ? STATUS.refunded : STATUS.final);
  const right = expected.outputRoot ?? outputRootOf(question.model, question.honest);
  if (!refunded) expect(await read(oracle, "resultOf", [requestId])).toBe(right);
  for (const { gameId, endedAt } of games) {
    expect(endedAt, `game ${gameId} did not end`).toBeDefined();
  }

  // Bonds in = paid + burned + held: nothing is made, nothing is lost, and what is held is owed.
  const { modelId } = question.model;
  const after = await wealth(surety, question.model);
  const gained = (account: Address) => (after.get(account) ?? 0n) - (before.get(account) ?? 0n);
  const total = [...after.keys()].reduce((sum, account) => sum + gained(account), 0n);
  expect(total, "wei made or lost").toBe(-(expected.pooledWei ?? 0n));
  expect(await owed(surety, modelId), "wei held that nobody is owed").toBe(await held(surety));

  // Honest parties.
  const feeWei = expected.feeWei ?? parameters.baseFeeWei + 100_000n * parameters.callbackGasPriceWei;
  expect(gained(requester), "requester").toBe(refunded ? 0n : -feeWei);
  for (const actor of actors) {
    if (!actor.honest) continue;
    const gasWei = (gasOf.get(actor.address) ?? 0n) * parameters.callbackGasPriceWei;
    const least = uncovered.includes(actor.address) ? 0n : gasWei;
    expect(gained(actor.address), `${actor.constructor.name}'s reward for its gas`).toBeGreaterThanOrEqual(
      least,
    );
  }

  // All that are not honest, taken as one conspiracy, gain nothing.
  const honest = new Set([requester, ZERO_ADDRESS, ...actors.filter((a) => a.honest).map((a) => a.address)]);
  const plot = [...after.keys()].filter((account) => !honest.has(account));
  expect(
    plot.reduce((sum, account) => sum + gained(account), 0n),
    "the conspiracy's gain",
  ).toBeLessThanOrEqual(expected.plotWei ?? 0n);

  // Delay: each game within its bound, and one second for whoever claims.
  const bound = Number(await read<bigint>(game, "maxGameSeconds"));
  const lag = arena.log.length;
  for (const { openedAt, endedAt } of games) {
    expect((endedAt as number) - openedAt, "seconds of a game").toBeLessThanOrEqual(bound + lag);
  }
  return { gained, burnedWei: gained(ZERO_ADDRESS) };
}
