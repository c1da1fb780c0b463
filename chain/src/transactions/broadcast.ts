import { FatalError, RetryableError } from "@surety/protocol";
import { BaseError, type Hex, InsufficientFundsError, keccak256 } from "viem";
import type { Chain } from "../rpc/client.ts";
import { retryRpc } from "../rpc/retry.ts";

/** `taken`: another transaction already has the nonce, or a pending one pays more. */
export type BroadcastOutcome = "sent" | "taken";

/**
 * Gives a signed transaction to the network. Safe to repeat: one that is known already counts as sent.
 *
 * @throws FatalError RPC_UNREACHABLE; RetryableError INSUFFICIENT_FUNDS, BROADCAST_REFUSED
 */
export async function broadcast(chain: Chain, what: string, raw: Hex): Promise<BroadcastOutcome> {
  try {
    await retryRpc(() => chain.client.sendRawTransaction({ serializedTransaction: raw }), chain.retry);
    return "sent";
  } catch (error) {
    if (!(error instanceof BaseError)) throw error;
    const text = `${error.details} ${error.message}`.toLowerCase();
    if (/already known|already imported|known transaction/.test(text)) return "sent";
    if (
      /nonce too low|nonce is too low|invalid nonce|replacement transaction underpriced|underpriced/.test(
        text,
      )
    ) {
      return (await isKnown(chain, keccak256(raw))) ? "sent" : "taken";
    }
    if (
      error.walk((inner) => inner instanceof InsufficientFundsError) !== null ||
      /insufficient funds/.test(text)
    ) {
      throw new RetryableError(
        "INSUFFICIENT_FUNDS",
        `${what}: the account cannot pay for value and gas. Fund it.`,
        {
          cause: error,
        },
      );
    }
    if (error instanceof FatalError) throw error;
    throw new RetryableError(
      "BROADCAST_REFUSED",
      `${what}: the RPC refused the transaction: ${error.details}.`,
      {
        cause: error,
      },
    );
  }
}

/** Whether the network knows a transaction, pending or mined. */
export async function isKnown(chain: Chain, hash: Hex): Promise<boolean> {
  try {
    await retryRpc(() => chain.client.getTransaction({ hash }), chain.retry);
    return true;
  } catch (error) {
    if (error instanceof BaseError && error.name === "TransactionNotFoundError") return false;
    throw error;
  }
}
