import { setTimeout as sleep } from "node:timers/promises";
import { isRetryable, RetryableError } from "@surety/protocol";
import { type Address, type Hex, keccak256, type LocalAccount, type TransactionReceipt } from "viem";
import type { ContractCall } from "../calls/call.ts";
import { ContractRevertError } from "../errors/contract-revert.ts";
import type { Chain } from "../rpc/client.ts";
import { retryRpc } from "../rpc/retry.ts";
import { broadcast } from "./broadcast.ts";
import { bumpedFees, currentFees, type Fees } from "./fees.ts";
import { createMutex } from "./mutex.ts";
import { gasLimitOf, simulateCall } from "./simulate.ts";

export interface TransactionManagerParameters {
  readonly chain: Chain;
  /** Signs here; the key never leaves the process. */
  readonly account: LocalAccount;
  /** A transaction not mined after this long is sent again with higher fees. Default: 15,000. */
  readonly resubmitAfterMs?: number;
  /** Stop waiting for a transaction after this long. Default: 600,000. */
  readonly giveUpAfterMs?: number;
  /** Never pay more per gas. Default: 500 gwei. */
  readonly maxFeePerGasCapWei?: bigint;
  /** Told of every broadcast, first and repeated, and of every receipt. */
  readonly onEvent?: (event: TransactionEvent) => void;
}

export type TransactionEvent =
  | {
      readonly type: "sent" | "resubmitted";
      readonly what: string;
      readonly hash: Hex;
      readonly nonce: number;
      readonly fees: Fees;
    }
  | {
      readonly type: "mined";
      readonly what: string;
      readonly hash: Hex;
      readonly nonce: number;
      readonly gasUsed: bigint;
    };

/** Sends one account's transactions; make one manager per account. */
export interface TransactionManager {
  readonly address: Address;
  /**
   * Simulates a call, sends it and waits until it is mined. Calls may overlap: nonces are given out one at a time.
   *
   * @throws ContractRevertError when the contract refuses the call, before anything is sent or, after a race, when mined; FatalError
   * RPC_UNREACHABLE; RetryableError INSUFFICIENT_FUNDS, TRANSACTION_STUCK, NONCE_TAKEN
   */
  send(call: ContractCall): Promise<TransactionReceipt>;
}

interface Draft {
  readonly call: ContractCall;
  readonly nonce: number;
  readonly gas: bigint;
}

const NONCE_ATTEMPTS = 10;

export function createTransactionManager(parameters: TransactionManagerParameters): TransactionManager {
  const { chain, account, onEvent = () => {} } = parameters;
  const resubmitAfterMs = parameters.resubmitAfterMs ?? 15_000;
  const giveUpAfterMs = parameters.giveUpAfterMs ?? 600_000;
  const cap = parameters.maxFeePerGasCapWei ?? 500_000_000_000n;
  const oneAtATime = createMutex();
  /** Signed transactions by nonce, the newest last: sent again if a reorg or a full mempool dropped them. */
  const signed = new Map<number, Hex[]>();
  const inFlight = new Set<number>();

  async function nextNonce(): Promise<number> {
    const pending = await countOf("pending");
    // With nothing in flight the chain knows best: a reorg may have given nonces back.
    return inFlight.size === 0 ? pending : Math.max(pending, Math.max(...inFlight) + 1);
  }

  function countOf(blockTag: "latest" | "pending"): Promise<number> {
    return retryRpc(
      () => chain.client.getTransactionCount({ address: account.address, blockTag }),
      chain.retry,
    );
  }

  async function sign({ call, nonce, gas }: Draft, fees: Fees): Promise<Hex> {
    const { to, data, valueWei } = call;
    const raw = await account.signTransaction({
      type: "eip1559",
      chainId: chain.chainId,
      nonce,
      gas,
      to,
      data,
      value: valueWei,
      ...fees,
    });
    signed.set(nonce, [...(signed.get(nonce) ?? []), raw]);
    return raw;
  }

  /** Simulates, takes a nonce and broadcasts. */
  async function start(call: ContractCall): Promise<{ draft: Draft; fees: Fees; hash: Hex }> {
    await simulateCall(chain, account.address, call);
    const gas = await gasLimitOf(chain, account.address, call);
    for (let attempt = 0; attempt < NONCE_ATTEMPTS; attempt++) {
      const draft: Draft = { call, nonce: await nextNonce(), gas };
      const fees = await currentFees(chain, cap);
      signed.delete(draft.nonce);
      const raw = await sign(draft, fees);
      if ((await broadcast(chain, call.what, raw)) === "sent") {
        inFlight.add(draft.nonce);
        const hash = keccak256(raw);
        onEvent({ type: "sent", what: call.what, hash, nonce: draft.nonce, fees });
        return { draft, fees, hash };
      }
      signed.delete(draft.nonce);
      await sleep(chain.pollMs);
    }
    throw new RetryableError(
      "NONCE_TAKEN",
      `${call.what}: another sender keeps taking the nonces of ${account.address}. Use one account per process.`,
    );
  }

  /** Sends again whatever of ours the chain does not have, up to a nonce: a gap below it would block it for ever. */
  async function rebroadcastUpTo(nonce: number, what: string): Promise<void> {
    for (let missing = await countOf("latest"); missing < nonce; missing++) {
      const raw = signed.get(missing)?.at(-1);
      if (raw !== undefined) await broadcast(chain, what, raw);
    }
  }

  async function receiptOf(hash: Hex): Promise<TransactionReceipt | undefined> {
    try {
      return await retryRpc(() => chain.client.getTransactionReceipt({ hash }), chain.retry);
    } catch (error) {
      if (error instanceof Error && error.name === "TransactionReceiptNotFoundError") return undefined;
      throw error;
    }
  }

  async function firstReceipt(hashes: readonly Hex[]): Promise<TransactionReceipt | undefined> {
    for (const hash of hashes) {
      const receipt = await receiptOf(hash);
      if (receipt !== undefined) return receipt;
    }
    return undefined;
  }

  /** Waits for any of the transaction's versions, bumping its fees while it is stuck. */
  async function finish(draft: Draft, firstFees: Fees, firstHash: Hex): Promise<TransactionReceipt> {
    const { call, nonce } = draft;
    const hashes = [firstHash];
    let fees = firstFees;
    const startedAt = performance.now();
    let sentAt = startedAt;
    for (;;) {
      const receipt = await firstReceipt(hashes);
      if (receipt !== undefined) return receipt;
      const now = performance.now();
      if (now - startedAt > giveUpAfterMs) {
        throw new RetryableError(
          "TRANSACTION_STUCK",
          `${call.what} was not mined in ${Math.round(giveUpAfterMs / 1000)} s (nonce ${nonce}). Look at the fee cap and the RPC.`,
        );
      }
      if (now - sentAt > resubmitAfterMs) {
        sentAt = now;
        await rebroadcastUpTo(nonce, call.what);
        fees = bumpedFees(fees, await currentFees(chain, cap), cap);
        const raw = await sign(draft, fees).catch((error: unknown) => {
          // A signer that is away for a moment: what was sent before may be mined meanwhile.
          if (isRetryable(error)) return undefined;
          throw error;
        });
        if (raw === undefined) continue;
        hashes.push(keccak256(raw));
        const outcome = await broadcast(chain, call.what, raw);
        if (outcome === "sent") {
          onEvent({ type: "resubmitted", what: call.what, hash: keccak256(raw), nonce, fees });
        } else if ((await countOf("latest")) > nonce && (await firstReceipt(hashes)) === undefined) {
          throw new RetryableError(
            "NONCE_TAKEN",
            `${call.what}: another transaction of ${account.address} took nonce ${nonce}. Use one account per process.`,
          );
        }
      }
      await sleep(chain.pollMs);
    }
  }

  return {
    address: account.address,
    async send(call) {
      const { draft, fees, hash } = await oneAtATime(() => start(call));
      let receipt: TransactionReceipt;
      try {
        receipt = await finish(draft, fees, hash);
      } finally {
        inFlight.delete(draft.nonce);
      }
      for (const old of signed.keys()) if (old < draft.nonce - 256) signed.delete(old);
      onEvent({
        type: "mined",
        what: call.what,
        hash: receipt.transactionHash,
        nonce: draft.nonce,
        gasUsed: receipt.gasUsed,
      });
      if (receipt.status === "reverted") throw await revertOf(chain, account.address, call, receipt);
      return receipt;
    },
  };
}

/** Why a mined transaction reverted, found by running it again where it was mined. */
async function revertOf(
  chain: Chain,
  from: Address,
  call: ContractCall,
  { blockNumber, transactionHash }: TransactionReceipt,
): Promise<unknown> {
  try {
    await simulateCall(chain, from, call, { blockNumber });
  } catch (error) {
    return error;
  }
  return new ContractRevertError(call.what, "Unknown", [transactionHash]);
}
