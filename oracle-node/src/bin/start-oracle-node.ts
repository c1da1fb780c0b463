import { setTimeout as sleep } from "node:timers/promises";
import {
  createTransactionManager,
  followChain,
  modelSummary,
  openChain,
  requireContracts,
  type TransactionEvent,
} from "@surety/chain";
import { errorCode, isRetryable } from "@surety/protocol";
import type { Logger } from "pino";
import type { Address } from "viem";
import { serveApi } from "../api/server.ts";
import { createStatus } from "../api/status.ts";
import { type InferenceJob, infer } from "../inference/infer.ts";
import { startModelThread } from "../inference/model-thread.ts";
import { loadServedModels } from "../inference/models.ts";
import { createMetrics, type Metrics } from "../metrics/metrics.ts";
import { loadAccount } from "../options/key.ts";
import type { OracleNodeOptions } from "../options/options.ts";
import { openQueues } from "../queue/open-queue.ts";
import { createMembership } from "../request/membership.ts";
import { createRequestViews } from "../request/request-views.ts";
import { type PostJob, postAnswer } from "../result/post.ts";
import { openStore } from "../store/store.ts";
import { planFaults } from "../testing/fault-plan.ts";
import { createChainClock } from "./chain-clock.ts";
import { createDuties } from "./duties.ts";
import { createLogger } from "./logger.ts";
import { createTeardown } from "./teardown.ts";

export interface RunningOracleNode {
  /** Of the API. */
  readonly url: string;
  /** The operator's account. */
  readonly address: Address;
  /** Never resolves; rejects when the node cannot go on. */
  readonly failed: Promise<never>;
  /** Finishes what is under way, then ends. */
  stop(): Promise<void>;
}

const DEFAULT_PORT = 9464;
const POSTS_AT_ONCE = 8;
/** What is under way has so long to finish; the store and the queue carry the rest over a restart. */
const DRAIN_MS = 8_000;

/**
 * Starts an oracle node: follows the chain, answers requests, defends its answers.
 *
 * @example
 * const node = await startOracleNode({ rpcUrl, addresses, key: { kind: "file", path: "key" }, bundlesDir: "models" });
 *
 * @throws FatalError RPC_UNREACHABLE, WRONG_CHAIN, PLAINTEXT_KEY_REFUSED, KEY_UNREADABLE, KEY_MALFORMED, FAULT_REFUSED, NO_CONTRACT,
 * BUNDLE_CHANGED, PROGRAM_MALFORMED, STORE_LOCKED, STORE_OTHER_DEPLOYMENT, QUEUE_URL_UNSUPPORTED, QUEUE_UNREACHABLE, PORT_IN_USE;
 * UsageError BUNDLES_MISSING
 */
export async function startOracleNode(options: OracleNodeOptions): Promise<RunningOracleNode> {
  const { addresses, dataDir = ".surety/oracle-node", pollMs = 500 } = options;
  const log = createLogger(options.logLevel ?? "info");
  const metrics = createMetrics();
  const ending = new AbortController();
  const chain = await openChain({
    rpcUrl: options.rpcUrl,
    pollMs,
    retry: { giveUpAfterMs: options.rpcGiveUpMs ?? 30_000 },
    ...(options.chainId === undefined ? {} : { chainId: options.chainId }),
  });
  const account = loadAccount(options.key, chain.chainId);
  const operator = account.address;
  await requireContracts(chain, addresses);
  const models = loadServedModels(options.bundlesDir);
  for (const modelId of models.keys()) {
    const { registered } = await modelSummary(chain, addresses, modelId);
    if (!registered) log.warn({ modelId }, "model is not registered: nobody can ask for it yet");
  }

  const teardown = createTeardown();
  try {
    const deployment = `${chain.chainId}/${addresses.oracle}/${addresses.game}/${operator}`.toLowerCase();
    const store = openStore({ dataDir, deployment, operator });
    teardown.add(() => store.close());
    const faults = planFaults(options.fault, chain.chainId, store.faultyAnswers);
    const thread = startModelThread();
    teardown.add(() => thread.close());
    const queues = await openQueues(options.queueUrl ?? "embedded", dataDir);
    teardown.add(() => queues.close());
    const inference = queues.open<InferenceJob>("inference");
    const posting = queues.open<PostJob>("post");
    // What failed for good before, say while the RPC was down, gets a new chance.
    await Promise.all([inference.forgetFailed(), posting.forgetFailed()]);

    const clock = createChainClock();
    const transactions = createTransactionManager({
      chain,
      account,
      ...(options.maxFeePerGasCapWei === undefined ? {} : { maxFeePerGasCapWei: options.maxFeePerGasCapWei }),
      onEvent: (event) => recordTransaction(log, metrics, event),
    });
    const onError = (where: string, error: unknown, isFinal = !isRetryable(error)) => {
      metrics.errors.inc({ code: errorCode(error) });
      // The first line only: viem's further lines tell the RPC's URL, which may hold a secret.
      const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
      log[isFinal ? "error" : "warn"]({ where, code: errorCode(error), reason }, "failed");
    };
    const views = createRequestViews(chain, addresses);
    const membership = createMembership(chain, addresses, operator, models);
    const duties = createDuties({
      ...{
        chain,
        addresses,
        operator,
        store,
        models,
        thread,
        transactions,
        views,
        membership,
        inference,
        posting,
      },
      ...{ clock, metrics, log, onError },
    });
    teardown.add(() => duties.drained());

    let caughtUp = false;
    const api = await serveApi({
      host: options.host ?? "127.0.0.1",
      port: options.port ?? DEFAULT_PORT,
      logger: log,
      metrics,
      readiness: async () => ({
        chain: caughtUp && (await settles(chain.client.getBlockNumber())),
        store: store.isOpen(),
        queue: await settles(inference.counts()),
      }),
      refreshMetrics: async () => {
        for (const [queue, jobs] of [["inference", inference] as const, ["post", posting] as const]) {
          for (const [state, count] of Object.entries(await jobs.counts()))
            metrics.jobs.set({ queue, state }, count);
        }
        metrics.openRequests.set(store.openRequests().length);
      },
      status: createStatus({ chain, addresses, operator, models, store }),
    });
    teardown.add(() => api.close());

    posting.work(
      async (job) => {
        if (!(await postAnswer({ chain, addresses, transactions, store, nowSeconds: clock.nowSeconds }, job)))
          return;
        metrics.posted.inc();
        log.info(job, "answer posted");
      },
      {
        concurrency: POSTS_AT_ONCE,
        onFailure: ({ requestId }, error, final) => onError(`post ${requestId}`, error, final),
      },
    );
    inference.work(
      async (job) => {
        const onInference = (seconds: number) => metrics.inferenceSeconds.observe(seconds);
        await infer({ models, thread, store, faults, onInference }, job);
        await duties.dispatch();
      },
      {
        concurrency: 1,
        onFailure: ({ requestId }, error, final) => onError(`inference ${requestId}`, error, final),
      },
    );

    const following = (async () => {
      const stream = followChain({
        chain,
        addresses,
        cursor: store.cursor(),
        startBlock: options.startBlock ?? 0n,
        finalityBlocks: options.finalityBlocks ?? 64,
        signal: ending.signal,
        onIdle: () => {
          caughtUp = true;
          duties.tick();
        },
      });
      for await (const event of stream) {
        store.apply(event);
        views.apply(event);
        membership.apply(event);
        if (event.type === "reorg") {
          metrics.reorgs.inc();
          log.warn({ depth: event.removed.length, ancestor: Number(event.ancestor.number) }, "reorg undone");
        }
        if (event.type !== "block") continue;
        metrics.headBlock.set(Number(event.block.number));
        clock.sync(event.block.timestamp);
        if (event.block.isHead) duties.tick();
      }
    })();
    log.info({ url: api.url, operator, chainId: chain.chainId, models: [...models.keys()] }, "started");

    const failed = following.then(() => new Promise<never>(() => {}));
    failed.catch((error: unknown) => onError("chain", error));
    return {
      url: api.url,
      address: operator,
      failed,
      async stop() {
        log.info("stopping");
        ending.abort();
        await following.catch(() => {});
        await Promise.race([teardown.run(), sleep(DRAIN_MS, undefined, { ref: false })]);
        log.info("stopped");
      },
    };
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

async function settles(call: Promise<unknown>): Promise<boolean> {
  return call.then(
    () => true,
    () => false,
  );
}

function recordTransaction(log: Logger, metrics: Metrics, event: TransactionEvent): void {
  metrics.transactions.inc({ what: event.what, event: event.type });
  if (event.type === "mined") metrics.gasUsed.inc(Number(event.gasUsed));
  const { type, what, hash, nonce } = event;
  log.debug({ what, hash, nonce }, `transaction ${type}`);
}
