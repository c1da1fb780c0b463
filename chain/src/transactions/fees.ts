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

/** What the chain asks now, never above the cap. */
export async function currentFees(chain: Chain, maxFeePerGasCapWei: bigint): Promise<Fees> {
  const [block, tip] = await retryRpc(
    () => Promise.all([chain.client.getBlock(), chain.client.estimateMaxPriorityFeePerGas()]),
    chain.retry,
  );
  const maxFeePerGas = (block.baseFeePerGas ?? 0n) * BASE_FEE_ROOM + tip;
  return capped({ maxFeePerGas, maxPriorityFeePerGas: tip }, maxFeePerGasCapWei);
}

/** Fees that replace a stuck transaction: a quarter more, or what the chain asks now if that is more. */
export function bumpedFees(stuck: Fees, current: Fees, maxFeePerGasCapWei: bigint): Fees {
  const bump = (wei: bigint) => (wei * BUMP_NUMERATOR) / BUMP_DENOMINATOR + 1n;
  return capped(
    {
      maxFeePerGas: larger(bump(stuck.maxFeePerGas), current.maxFeePerGas),
      maxPriorityFeePerGas: larger(bump(stuck.maxPriorityFeePerGas), current.maxPriorityFeePerGas),
    },
    maxFeePerGasCapWei,
  );
}

function capped({ maxFeePerGas, maxPriorityFeePerGas }: Fees, cap: bigint): Fees {
  const fee = maxFeePerGas < cap ? maxFeePerGas : cap;
  return { maxFeePerGas: fee, maxPriorityFeePerGas: maxPriorityFeePerGas < fee ? maxPriorityFeePerGas : fee };
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
