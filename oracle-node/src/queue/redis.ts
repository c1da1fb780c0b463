import { FatalError } from "@surety/protocol";
import { Redis } from "ioredis";
import type { Backend } from "./open-queue.ts";

const CONNECT_TIMEOUT_MS = 10_000;

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
  // Later outages are retried by ioredis; without a listener they would end the process.
  redis.on("error", () => {});
  try {
    await redis.connect();
  } catch (cause) {
    redis.disconnect();
    throw new FatalError(
      "QUEUE_UNREACHABLE",
      `The Redis of the queue did not answer: ${(cause as Error).message}.`,
      {
        cause,
      },
    );
  }
  return {
    connection: redis,
    factory: undefined,
    async close() {
      redis.disconnect();
    },
  };
}
