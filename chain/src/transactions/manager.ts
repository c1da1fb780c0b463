import { setTimeout as sleep } from "node:timers/promises";
import { isRetryable, RetryableError } from "@surety/protocol";
import { type Address, type Hex, keccak256, type LocalAccount, type TransactionReceipt } from "viem";
import type { ContractCall } from "../calls/call.ts";
import { ContractRevertError } from "../errors/contract-revert.ts";
import type { Chain } from "../rpc/client.ts";
import { retryRpc } from "../rpc/retry.ts";
import { broadcast, isKnown } from "./broadcast.ts";
import {
  bumpedFees,
  cappedFees,
  type FeeCaps,
  type FeeMarket,
  type Fees,
  feeCapWei,
  feeMarket,
  replaces,
} from "./fees.ts";
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
  /** Never pay more per gas for what can wait. Default: 500 gwei. */
  readonly maxFeePerGasCapWei?: bigint;
  /** Nor more than this for what is about to be too late (`feeCapWei`). Default: four times the other. */
  readonly urgentFeePerGasCapWei?: bigint;
  /** Told of every broadcast, first and repeated, of what goes wrong in between, and of every receipt. */
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
  /** `dropped`: the network has forgotten it, and it is sent again. `capped`: it is stuck, and the cap forbids to pay more. */
  | {
      readonly type: "dropped" | "capped";
      readonly what: string;
      readonly hash: Hex;
      readonly nonce: number;
    }
  | {
      readonly type: "mined";
      readonly what: string;
      readonly hash: Hex;
      readonly nonce: number;
      readonly gasUsed: bigint;
    };

export interface SendOptions {
  /** Unix seconds of the chain's clock at which the call is too late: as it nears, more is paid and the transaction is looked after more often. */
  readonly deadline?: number;
}

/** Sends one account's transactions; make one manager per account. */
export interface TransactionManager {
  readonly address: Address;
  /**
   * Simulates a call, sends it and waits until it is mined. Calls may overlap: nonces are given out one at a time.
   *
   * @throws ContractRevertError when the contract refuses the call, before anything is sent or, after a race, when mined; FatalError
   * RPC_UNREACHABLE; RetryableError INSUFFICIENT_FUNDS, TRANSACTION_STUCK, NONCE_TAKEN
   */
  send(call: ContractCall, options?: SendOptions): Promise<TransactionReceipt>;
}

interface Draft {
  readonly call: ContractCall;
  readonly deadline: number | undefined;
  readonly nonce: number;
  readonly gas: bigint;
}

const NONCE_ATTEMPTS = 10;
/** A transaction with a deadline is looked after at every tenth of the time that is left, but not more often than this. */
const SHORTEST_RESUBMIT_MS = 2_000;

export function createTransactionManager(parameters: TransactionManagerParameters): TransactionManager {
  const { chain, account, onEvent = () => {} } = parameters;
  const resubmitAfterMs = parameters.resubmitAfterMs ?? 15_000;
  const giveUpAfterMs = parameters.giveUpAfterMs ?? 600_000;
  const ordinaryWei = parameters.maxFeePerGasCapWei ?? 500_000_000_000n;
  const caps: FeeCaps = { ordinaryWei, urgentWei: parameters.urgentFeePerGasCapWei ?? 4n * ordinaryWei };
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

  function capNow({ timestamp }: FeeMarket, deadline: number | undefined): bigint {
    return feeCapWei(caps, deadline === undefined ? undefined : BigInt(deadline) - timestamp);
  }

  /** How long to wait before the transaction is looked after again. */
  function patienceMs({ timestamp }: FeeMarket, deadline: number | undefined): number {
    if (deadline === undefined) return resubmitAfterMs;
    const tenthMs = Math.max(deadline - Number(timestamp), 0) * 100;
    return Math.min(resubmitAfterMs, Math.max(tenthMs, SHORTEST_RESUBMIT_MS));
  }

  /** Simulates, takes a nonce and broadcasts. */
  async function start(call: ContractCall, deadline: number | undefined) {
    await simulateCall(chain, account.address, call);
    const gas = await gasLimitOf(chain, account.address, call);
    for (let attempt = 0; attempt < NONCE_ATTEMPTS; attempt++) {
      const draft: Draft = { call, deadline, nonce: await nextNonce(), gas };
      const market = await feeMarket(chain);
      const fees = cappedFees(market.fees, capNow(market, deadline));
      signed.delete(draft.nonce);
      const raw = await sign(draft, fees);
      if ((await broadcast(chain, call.what, raw)) === "sent") {
        inFlight.add(draft.nonce);
        const hash = keccak256(raw);
        onEvent({ type: "sent", what: call.what, hash, nonce: draft.nonce, fees });
        return { draft, fees, hash, waitMs: patienceMs(market, deadline) };
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
  async function finish(
    draft: Draft,
    firstFees: Fees,
    firstHash: Hex,
    firstWaitMs: number,
  ): Promise<TransactionReceipt> {
    const { call, nonce, deadline } = draft;
    const { what } = call;
    const hashes = [firstHash];
    let fees = firstFees;
    let waitMs = firstWaitMs;
    const startedAt = performance.now();
    let sentAt = startedAt;
    for (;;) {
      const receipt = await firstReceipt(hashes);
      if (receipt !== undefined) return receipt;
      const now = performance.now();
      if (now - startedAt > giveUpAfterMs) {
        throw new RetryableError(
          "TRANSACTION_STUCK",
          `${what} was not mined in ${Math.round(giveUpAfterMs / 1000)} s (nonce ${nonce}). Look at the fee cap and the RPC.`,
        );
      }
      if (now - sentAt > waitMs) {
        sentAt = now;
        const last = hashes.at(-1) as Hex;
        const isDropped = !(await isKnown(chain, last));
        if (isDropped && (await firstReceipt(hashes)) === undefined) {
          onEvent({ type: "dropped", what, hash: last, nonce });
        }
        await rebroadcastUpTo(nonce, what);
        const market = await feeMarket(chain);
        waitMs = patienceMs(market, deadline);
        const bumped = bumpedFees(fees, market.fees, capNow(market, deadline));
        if (!isDropped && !replaces(bumped, fees)) {
          onEvent({ type: "capped", what, hash: last, nonce });
          continue;
        }
        const raw = await sign(draft, bumped).catch((error: unknown) => {
          // A signer that is away for a moment: what was sent before may be mined meanwhile.
          if (isRetryable(error)) return undefined;
          throw error;
        });
        if (raw === undefined) continue;
        fees = bumped;
        const hash = keccak256(raw);
        if (!hashes.includes(hash)) hashes.push(hash);
        if ((await broadcast(chain, what, raw)) === "sent") {
          onEvent({ type: "resubmitted", what, hash, nonce, fees });
        } else if ((await countOf("latest")) > nonce && (await firstReceipt(hashes)) === undefined) {
          throw new RetryableError(
            "NONCE_TAKEN",
            `${what}: another transaction of ${account.address} took nonce ${nonce}. Use one account per process.`,
          );
        }
      }
      await sleep(chain.pollMs);
    }
  }

  return {
    address: account.address,
    async send(call, { deadline } = {}) {
      const { draft, fees, hash, waitMs } = await oneAtATime(() => start(call, deadline));
      let receipt: TransactionReceipt;
      try {
        receipt = await finish(draft, fees, hash, waitMs);
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
