import { type Abi, type Address, decodeFunctionData, getAddress, type TransactionReceipt } from "viem";
import { expect } from "vitest";
import { type Wealth, wealth } from "../adversaries/rules.ts";
import type { CallParameters, Surety } from "../support/surety.ts";

/** The call that a mined transaction to the dispute game made, to be sent again. */
export async function callOf(
  { network, game }: Surety,
  receipt: TransactionReceipt,
): Promise<CallParameters> {
  const { from, input, value } = await network.publicClient.getTransaction({
    hash: receipt.transactionHash,
  });
  const { functionName, args } = decodeFunctionData({ abi: game.abi as Abi, data: input });
  return { from: getAddress(from), to: game, call: functionName, args: args ?? [], valueWei: value };
}

/** What accounts own together, wherever it lies, now and since: gas is free, so that each wei counts. */
export async function purse(surety: Surety, ...accounts: readonly Address[]) {
  const of = (all: Wealth) => accounts.reduce((sum, account) => sum + (all.get(account) ?? 0n), 0n);
  const before = of(await wealth(surety));
  return { gained: async () => of(await wealth(surety)) - before };
}

/** Sends calls that must all be refused, and shows that nothing of anybody's moved by them. */
export async function expectNothingToHappen(
  surety: Surety,
  calls: readonly CallParameters[],
): Promise<readonly string[]> {
  const before = await wealth(surety);
  const errors: string[] = [];
  for (const call of calls) errors.push((await surety.refused(call)).error);
  expect(await wealth(surety)).toEqual(before);
  return errors;
}

/** The share of a lost bond that is burned. */
export function burnedOf({ parameters }: Surety, bondWei: bigint): bigint {
  return bondWei - (bondWei * BigInt(10_000 - parameters.burnBps)) / 10_000n;
}
