import type { Chain } from "../rpc/client.ts";
import { retryRpc } from "../rpc/retry.ts";

/** EIP-1559 fees of one transaction, in wei per gas. */
export interface Fees {
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/** Room for six full blocks of rising base fee: (9/8)^6 is about 2. */
const BASE_FEE_ROOM = 2n;
/** Nodes replace a pending transaction only for at least 10 % more on both fees. */
const BUMP_NUMERATOR = 5n;
const BUMP_DENOMINATOR = 4n;

/** What the chain asks. */
export interface FeeMarket {
  /** Not capped. */
  readonly fees: Fees;
  /** Of the newest block, Unix seconds. */
  readonly timestamp: bigint;
}

export async function feeMarket(chain: Chain): Promise<FeeMarket> {
  const [block, tip] = await retryRpc(
    () => Promise.all([chain.client.getBlock(), chain.client.estimateMaxPriorityFeePerGas()]),
    chain.retry,
  );
  const maxFeePerGas = (block.baseFeePerGas ?? 0n) * BASE_FEE_ROOM + tip;
  return { fees: { maxFeePerGas, maxPriorityFeePerGas: tip }, timestamp: block.timestamp };
}

/** What the chain asks now, never above the cap. */
export async function currentFees(chain: Chain, maxFeePerGasCapWei: bigint): Promise<Fees> {
  return cappedFees((await feeMarket(chain)).fees, maxFeePerGasCapWei);
}

/** Fees that replace a stuck transaction: a quarter more, or what the chain asks now if that is more. */
export function bumpedFees(stuck: Fees, current: Fees, maxFeePerGasCapWei: bigint): Fees {
  const bump = (wei: bigint) => (wei * BUMP_NUMERATOR) / BUMP_DENOMINATOR + 1n;
  return cappedFees(
    {
      maxFeePerGas: larger(bump(stuck.maxFeePerGas), current.maxFeePerGas),
      maxPriorityFeePerGas: larger(bump(stuck.maxPriorityFeePerGas), current.maxPriorityFeePerGas),
    },
    maxFeePerGasCapWei,
  );
}

export function cappedFees({ maxFeePerGas, maxPriorityFeePerGas }: Fees, cap: bigint): Fees {
  const fee = maxFeePerGas < cap ? maxFeePerGas : cap;
  return { maxFeePerGas: fee, maxPriorityFeePerGas: maxPriorityFeePerGas < fee ? maxPriorityFeePerGas : fee };
}

/** What may be paid for a gas, at most. */
export interface FeeCaps {
  /** For what can wait. */
  readonly ordinaryWei: bigint;
  /** For what is about to be too late; not below the ordinary one. */
  readonly urgentWei: bigint;
}

/** More than this before a deadline the ordinary cap holds: a move is mined long before at any price that lasts. */
const CALM_SECONDS = 600n;
/** From here on the urgent one: five of Ethereum's slots, in which a bid still outbids others. */
const URGENT_SECONDS = 60n;

/**
 * The cap of a transaction that must be mined by a deadline: it rises in a straight line from the ordinary one, 600 s before, to the urgent one, 60 s before. What waits
 * costs little where a fee spike passes; a lost clock costs the bond whatever gas was saved.
 *
 * @param secondsLeft undefined: nothing is lost by waiting
 */
export function feeCapWei({ ordinaryWei, urgentWei }: FeeCaps, secondsLeft: bigint | undefined): bigint {
  if (secondsLeft === undefined || secondsLeft >= CALM_SECONDS || urgentWei <= ordinaryWei)
    return ordinaryWei;
  if (secondsLeft <= URGENT_SECONDS) return urgentWei;
  return (
    ordinaryWei + ((urgentWei - ordinaryWei) * (CALM_SECONDS - secondsLeft)) / (CALM_SECONDS - URGENT_SECONDS)
  );
}

/** Whether fees replace a pending transaction: nodes want 10 % more on both. */
export function replaces(next: Fees, stuck: Fees): boolean {
  return (
    next.maxFeePerGas * 10n >= stuck.maxFeePerGas * 11n &&
    next.maxPriorityFeePerGas * 10n >= stuck.maxPriorityFeePerGas * 11n
  );
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
