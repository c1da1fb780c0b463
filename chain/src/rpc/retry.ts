import { setTimeout as sleep } from "node:timers/promises";
import { FatalError } from "@surety/protocol";
import {
  BaseError,
  HttpRequestError,
  InternalRpcError,
  LimitExceededRpcError,
  ResourceUnavailableRpcError,
  SocketClosedError,
  TimeoutError,
  WebSocketRequestError,
} from "viem";

export interface RetryOptions {
  /** Stop trying after this long. Default: 30,000. */
  readonly giveUpAfterMs?: number;
  /** Ends the wait at once; the call then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Patience with an RPC that is down, where nothing else is said. */
export const GIVE_UP_AFTER_MS = 30_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/**
 * Calls an RPC until it answers: waits double from 100 ms to 5 s, with jitter. An error that is an answer (a revert, wrong parameters)
 * is thrown at once.
 *
 * @throws FatalError RPC_UNREACHABLE when the RPC stays down for `giveUpAfterMs`.
 */
export async function retryRpc<Value>(
  call: () => Promise<Value>,
  options: RetryOptions = {},
): Promise<Value> {
  const { giveUpAfterMs = GIVE_UP_AFTER_MS, signal } = options;
  const startedAt = performance.now();
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      if (!isTransportError(error)) throw error;
      const wait = Math.min(FIRST_WAIT_MS * 2 ** attempt, LONGEST_WAIT_MS) * (0.5 + Math.random() / 2);
      const elapsedMs = performance.now() - startedAt;
      if (elapsedMs + wait > giveUpAfterMs) {
        throw new FatalError(
          "RPC_UNREACHABLE",
          `The RPC did not answer for ${Math.round(elapsedMs / 1000)} s (${attempt + 1} attempts). Check its URL and that it runs.`,
          { cause: error, metaMessages: [firstLine(error)] },
        );
      }
      await sleep(wait, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** True when no answer came at all, or one that says "not now". */
export function isTransportError(error: unknown): boolean {
  if (!(error instanceof BaseError)) return false;
  return (
    error.walk(
      (inner) =>
        inner instanceof HttpRequestError ||
        inner instanceof TimeoutError ||
        inner instanceof WebSocketRequestError ||
        inner instanceof SocketClosedError ||
        inner instanceof LimitExceededRpcError ||
        inner instanceof ResourceUnavailableRpcError ||
        (inner instanceof InternalRpcError && !("data" in ((inner.cause as object) ?? {}))),
    ) !== null
  );
}

function firstLine(error: unknown): string {
  return (error instanceof BaseError ? error.shortMessage : String(error)).split("\n")[0] ?? "";
}
