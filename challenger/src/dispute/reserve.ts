import { type Chain, currentFees } from "@surety/chain";
import type { Address } from "viem";

/** What something under way may still cost. */
export interface Claim {
  readonly gas: bigint;
  /** Money about to be put up. */
  readonly bondWei: bigint;
}

export type Taken =
  | { readonly kind: "held" }
  /** The account has `balanceWei`; it would need `neededWei` besides the `heldWei` of what is under way. */
  | {
      readonly kind: "short";
      readonly balanceWei: bigint;
      readonly neededWei: bigint;
      readonly heldWei: bigint;
    };

/** The reserve rule: nothing is begun that, with all that is under way, cannot be paid for to its end. */
export interface Reserve {
  /** Holds what something may cost, if the account can pay for it too. */
  take(key: string, claim: Claim): Promise<Taken>;
  /** Holds what is under way already, whether the account can pay for it or not. */
  hold(key: string, claim: Claim): void;
  holds(key: string): boolean;
  release(key: string): void;
  /** All that is held, at the price of gas given. */
  heldWei(maxFeePerGas: bigint): bigint;
}

/** @param maxFeePerGasCapWei Gas is reckoned at what the chain asks, up to this. */
export function createReserve(
  chain: Pick<Chain, "client" | "retry">,
  account: Address,
  maxFeePerGasCapWei: bigint,
): Reserve {
  const held = new Map<string, Claim>();
  /** INVARIANT: no two claims are weighed against the same money: one is held before the next is weighed. */
  let last: Promise<unknown> = Promise.resolve();
  const heldWei = (maxFeePerGas: bigint) =>
    [...held.values()].reduce((sum, { gas, bondWei }) => sum + bondWei + gas * maxFeePerGas, 0n);

  async function weigh(key: string, claim: Claim): Promise<Taken> {
    if (held.has(key)) return { kind: "held" };
    const [{ maxFeePerGas }, balanceWei] = await Promise.all([
      currentFees(chain as Chain, maxFeePerGasCapWei),
      chain.client.getBalance({ address: account }),
    ]);
    const neededWei = claim.bondWei + claim.gas * maxFeePerGas;
    const others = heldWei(maxFeePerGas);
    if (balanceWei < neededWei + others) return { kind: "short", balanceWei, neededWei, heldWei: others };
    held.set(key, claim);
    return { kind: "held" };
  }

  return {
    take(key, claim) {
      const taken = last.then(() => weigh(key, claim));
      last = taken.catch(() => {});
      return taken;
    },
    hold: (key, claim) => void held.set(key, claim),
    holds: (key) => held.has(key),
    release: (key) => void held.delete(key),
    heldWei,
  };
}
