import { FatalError, RetryableError } from "@surety/protocol";
import { Redis } from "ioredis";
import type { Backend } from "./open-queue.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 8_000;

/**
 * A Redis server as BullMQ's store.
 *
 * @throws FatalError QUEUE_UNREACHABLE
 */
export async function connectRedis(url: string): Promise<Backend> {
  const redis = new Redis(url, {
    // BullMQ's workers block on the connection and must not give up on it.
    maxRetriesPerRequest: null,
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
  });
  let reason: Error | undefined;
  // Later outages are retried by ioredis; without a listener they would end the process.
  redis.on("error", (error: Error) => {
    reason = error;
  });
  try {
    await redis.connect();
    // A connection that lacks its password is open all the same.
    await redis.ping();
  } catch (cause) {
    redis.disconnect();
    // What connect() throws says only that the connection was closed. Host and port, for the URL may hold a password.
    const { message } = reason ?? (cause as Error);
    throw new FatalError(
      "QUEUE_UNREACHABLE",
      `The queue's Redis at ${redis.options.host}:${redis.options.port} did not answer: ${message}. Start it, or check --queue.`,
      { cause },
    );
  }
  const isUp = () => redis.status === "ready";
  return {
    connection: redis,
    factory: undefined,
    isUp,
    async whileUp(ask) {
      const away = () => new RetryableError("QUEUE_UNREACHABLE", "The queue's Redis is out of reach.");
      if (!isUp()) throw away();
      let stopWatching = () => {};
      const lost = new Promise<never>((_resolve, reject) => {
        const isLost = () => reject(away());
        // A worker's other connection may be gone, or all of them without a word.
        const timer = setTimeout(isLost, ANSWER_TIMEOUT_MS);
        redis.once("close", isLost);
        stopWatching = () => {
          clearTimeout(timer);
          redis.off("close", isLost);
        };
      });
      return Promise.race([ask(), lost]).finally(() => stopWatching());
    },
    async close() {
      redis.disconnect();
    },
  };
}
