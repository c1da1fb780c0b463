import { FatalError, isRetryable } from "@surety/protocol";
import { type BackendFactory, type IQueueBackend, Queue, UnrecoverableError, Worker } from "bullmq";
import { openEmbedded } from "./embedded.ts";
import type { JobQueue, QueueHost, WorkOptions } from "./job-queue.ts";
import { connectRedis } from "./redis.ts";

/** Attempts of a job whose errors may pass, and the wait before the second; it doubles. */
const ATTEMPTS = 8;
const FIRST_WAIT_MS = 500;
/** A job whose worker died is given to another after about this long, however often that happens. */
const LOCK_MS = 10_000;
const MOST_STALLS = 1_000;

/** How BullMQ reaches its store: connection options and the backend that understands them. */
export interface Backend {
  // biome-ignore lint/suspicious/noExplicitAny: Redis and PostgreSQL backends have different connection types; BullMQ checks the pair.
  readonly connection: any;
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly factory: BackendFactory<IQueueBackend, any> | undefined;
  close(): Promise<void>;
}

/**
 * Opens the place where BullMQ keeps its queues: `embedded` is a PGlite in `dataDir`, `redis://` and `rediss://` a Redis server.
 *
 * @throws FatalError QUEUE_URL_UNSUPPORTED, QUEUE_UNREACHABLE
 */
export async function openQueues(url: string, dataDir: string): Promise<QueueHost> {
  const backend = await openBackend(url, dataDir);
  const closing: (() => Promise<void>)[] = [];
  return {
    open<Data extends object>(name: string): JobQueue<Data> {
      const { queue, close } = openQueue<Data>(name, backend);
      closing.push(close);
      return queue;
    },
    async close() {
      await Promise.all(closing.map((close) => close()));
      await backend.close();
    },
  };
}

async function openBackend(url: string, dataDir: string): Promise<Backend> {
  if (url === "embedded") return openEmbedded(dataDir);
  if (/^rediss?:\/\//.test(url)) return connectRedis(url);
  throw new FatalError(
    "QUEUE_URL_UNSUPPORTED",
    `The queue URL must be "embedded", redis:// or rediss://, not ${JSON.stringify(url.split("//")[0])}.`,
  );
}

function openQueue<Data extends object>(name: string, backend: Backend) {
  const { connection, factory } = backend;
  const queue = new Queue(name, { connection }, factory as never);
  queue.on("error", () => {});
  const workers: Worker[] = [];

  const jobs: JobQueue<Data> = {
    async add(id, data) {
      await queue.add(name, data, {
        jobId: id,
        attempts: ATTEMPTS,
        backoff: { type: "exponential", delay: FIRST_WAIT_MS },
        removeOnComplete: true,
        removeOnFail: { count: 1_000 },
      });
    },
    work(handler, options) {
      workers.push(startWorker(name, backend, handler, options));
    },
    async counts() {
      const { waiting = 0, delayed = 0, active = 0, failed = 0 } = await queue.getJobCounts();
      return { waiting: waiting + delayed, active, failed };
    },
    async forgetFailed() {
      await queue.clean(0, 0, "failed");
    },
  };
  return {
    queue: jobs,
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      await queue.close();
    },
  };
}

function startWorker<Data>(
  name: string,
  { connection, factory }: Backend,
  handler: (data: Data) => Promise<void>,
  { concurrency, onFailure }: WorkOptions<Data>,
): Worker {
  const worker = new Worker(
    name,
    async ({ data }) => {
      try {
        await handler(data as Data);
      } catch (error) {
        if (isRetryable(error)) throw error;
        throw Object.assign(new UnrecoverableError((error as Error).message), { cause: error });
      }
    },
    {
      connection,
      concurrency,
      lockDuration: LOCK_MS,
      stalledInterval: LOCK_MS / 2,
      maxStalledCount: MOST_STALLS,
    },
    factory as never,
  );
  worker.on("error", () => {});
  worker.on("failed", (job, error) => {
    if (job === undefined) return;
    const isFinal = error instanceof UnrecoverableError || job.attemptsMade >= ATTEMPTS;
    onFailure(job.data as Data, error.cause instanceof Error ? error.cause : error, isFinal);
  });
  return worker;
}
