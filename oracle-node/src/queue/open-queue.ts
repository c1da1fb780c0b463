import { FatalError, isRetryable } from "@surety/protocol";
import { type BackendFactory, type IQueueBackend, Queue, UnrecoverableError, Worker } from "bullmq";
import { openEmbedded } from "./embedded.ts";
import type { JobQueue, QueueHost, WorkOptions } from "./job-queue.ts";
import { connectPostgres } from "./postgres.ts";
import { epochAt, priorityOf } from "./priority.ts";
import { connectRedis } from "./redis.ts";

/** Attempts of a job whose errors may pass, and the wait before the second in milliseconds; it doubles. */
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
  /** A queue's name where it does not stand below a prefix with its owner's. Default: the name as it is. */
  readonly queueName?: (owner: string, name: string) => string;
  /** False while the store is out of reach. */
  isUp(): boolean;
  /** Asks the store something. Rejects with QUEUE_UNREACHABLE if it is away or does not answer, where BullMQ would wait without end. */
  whileUp<Value>(ask: () => Promise<Value>): Promise<Value>;
  close(): Promise<void>;
}

/** A job as it stands in the store. */
interface Envelope<Data> {
  readonly data: Data;
  readonly dueSeconds?: number;
}

export interface OpenQueuesParameters {
  /** `embedded`: a PGlite in `dataDir`. `redis://` and `rediss://`: a Redis server. `postgres://` and `postgresql://`: a PostgreSQL server. */
  readonly url: string;
  readonly dataDir: string;
  /** Whose jobs these are: nodes on one server see only the jobs of their own owner name. */
  readonly owner: string;
  /** Wait before a job's second attempt, in milliseconds; it doubles with each. Default: 500. */
  readonly firstWaitMs?: number;
}

/**
 * Opens the place where BullMQ keeps its queues. A server that goes away later is waited for: adding a job ends when it is back.
 *
 * @throws FatalError QUEUE_URL_UNSUPPORTED, QUEUE_UNREACHABLE
 */
export async function openQueues(parameters: OpenQueuesParameters): Promise<QueueHost> {
  const { url, dataDir, owner, firstWaitMs = FIRST_WAIT_MS } = parameters;
  const backend = await openBackend(url, dataDir);
  const closing: (() => Promise<void>)[] = [];
  return {
    open<Data extends object>(name: string): JobQueue<Data> {
      const named = backend.queueName?.(owner, name) ?? name;
      const { queue, close } = openQueue<Data>(named, `surety:${owner}`, backend, firstWaitMs);
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
  if (/^postgres(ql)?:\/\//.test(url)) return connectPostgres(url);
  throw new FatalError(
    "QUEUE_URL_UNSUPPORTED",
    `The queue URL must be "embedded", redis://, rediss://, postgres:// or postgresql://, not ${JSON.stringify(url.split("//")[0])}.`,
  );
}

/** @param prefix Of the keys in Redis; PostgreSQL has none. */
function openQueue<Data extends object>(name: string, prefix: string, backend: Backend, firstWaitMs: number) {
  const { connection, factory } = backend;
  const queue = new Queue(name, { connection, prefix }, factory as never);
  queue.on("error", () => {});
  const workers: Worker[] = [];
  let epoch: number | undefined;

  /** Jobs that wait since an earlier epoch have its priorities. */
  async function beginEpoch(): Promise<void> {
    const now = epochAt(Date.now());
    if (epoch === now) return;
    epoch = now;
    for (const job of await queue.getPrioritized()) {
      const { dueSeconds } = job.data as Partial<Envelope<Data>>;
      const priority = dueSeconds === undefined ? 0 : priorityOf(dueSeconds, now);
      // One that is taken meanwhile needs none.
      if (priority !== job.priority) await job.changePriority({ priority }).catch(() => {});
    }
  }

  const jobs: JobQueue<Data> = {
    async add(id, data, dueSeconds) {
      await beginEpoch();
      const envelope: Envelope<Data> = dueSeconds === undefined ? { data } : { data, dueSeconds };
      await queue.add(name, envelope, {
        jobId: id,
        ...(dueSeconds === undefined ? {} : { priority: priorityOf(dueSeconds, epoch ?? 0) }),
        attempts: ATTEMPTS,
        backoff: { type: "exponential", delay: firstWaitMs },
        removeOnComplete: true,
        removeOnFail: { count: 1_000 },
      });
    },
    async work(handler, options) {
      const worker = startWorker({ name, prefix, backend }, handler, options);
      workers.push(worker);
      // A worker whose connection breaks while it is being set up never recovers; later it does.
      await backend.whileUp(() => worker.waitUntilReady());
    },
    async counts() {
      const jobs = await backend.whileUp(() => queue.getJobCounts());
      const { waiting = 0, prioritized = 0, delayed = 0, active = 0, failed = 0 } = jobs;
      return { waiting: waiting + prioritized + delayed, active, failed };
    },
    async forgetFailed() {
      await queue.clean(0, 0, "failed");
    },
  };
  return {
    queue: jobs,
    async close() {
      const end = async (force: boolean) => {
        await Promise.all(workers.map((worker) => worker.close(force)));
        await queue.close();
      };
      // Not waited for when it goes away meanwhile: what was not done is still there when it is back.
      await (backend.isUp() ? backend.whileUp(() => end(false)).catch(() => {}) : end(true));
    },
  };
}

function startWorker<Data>(
  { name, prefix, backend: { connection, factory } }: { name: string; prefix: string; backend: Backend },
  handler: (data: Data) => Promise<void>,
  { concurrency, onFailure }: WorkOptions<Data>,
): Worker {
  const worker = new Worker(
    name,
    async ({ data }) => {
      try {
        await handler((data as Envelope<Data>).data);
      } catch (error) {
        if (isRetryable(error)) throw error;
        throw Object.assign(new UnrecoverableError((error as Error).message), { cause: error });
      }
    },
    {
      connection,
      prefix,
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
    const isFatal = error instanceof UnrecoverableError;
    const thrown = isFatal && error.cause instanceof Error ? error.cause : error;
    const isOver = isFatal || job.attemptsMade >= ATTEMPTS;
    onFailure((job.data as Envelope<Data>).data, thrown, isOver);
    // What may pass may pass later than all attempts: whoever still wants the job done can add it again. If it cannot be removed now (the store
    // is away), it is as it would be otherwise: failed until the next start.
    if (isOver && !isFatal) job.remove().catch(() => {});
  });
  return worker;
}
