import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { modelSummary } from "@surety/chain";
import {
  errorCode,
  isRetryable,
  type ModelId,
  parseModelId,
  parseRequestId,
  siblingModule,
} from "@surety/protocol";
import {
  connect,
  createAlerts,
  createInputFinder,
  createLogger,
  createSelfTest,
  createTeardown,
  fetchWantedModels,
  followIntoStore,
  modelFiles,
  outputFiles,
  type RunningService,
  reasonOf,
  serveApi,
  settles,
  startModelProcess,
  watchBalance,
} from "@surety/service";
import { nodeRoutes } from "../api/routes.ts";
import { createStatus } from "../api/status.ts";
import { createDrain } from "../drain/drain.ts";
import { startExplorer } from "../explorer/start-explorer.ts";
import { createEstimates } from "../inference/estimates.ts";
import { type InferenceJob, infer } from "../inference/infer.ts";
import { openServedModels } from "../inference/models.ts";
import { startInferencePool } from "../inference/pool.ts";
import { createResultDesk, type ResultJob } from "../inference/result.ts";
import type { Results, Task } from "../inference/task.ts";
import { createMetrics } from "../metrics/metrics.ts";
import type { OracleNodeOptions } from "../options/options.ts";
import { DEFAULT_PORT } from "../options/read-options.ts";
import { openQueues } from "../queue/open-queue.ts";
import { openInferenceQueues, openResultQueue, queueOwner } from "../queue/work-queues.ts";
import { createMembership } from "../request/membership.ts";
import { createRefusals } from "../request/refusals.ts";
import { createRequestViews } from "../request/request-views.ts";
import { type PostJob, postAnswer } from "../result/post.ts";
import { openStore } from "../store/store.ts";
import { planFaults } from "../testing/fault-plan.ts";
import { createChainClock } from "./chain-clock.ts";
import { createDuties } from "./duties.ts";

/** Its address is the operator's. */
export type RunningOracleNode = RunningService;

const POSTS_AT_ONCE = 8;
const RESULTS_AT_ONCE = 4;
const EXPLORER_POLL_MS = 1_000;
const RECHECK_SHARE = 0.05;
/** What is under way has so long to finish; the store and the queue carry the rest over a restart. */
const DRAIN_MS = 8_000;

/**
 * Starts an oracle node: follows the chain, answers requests, defends its answers.
 *
 * @example
 * const node = await startOracleNode({ rpcUrls, addresses, key: { kind: "keystore", path: "key.json" }, bundlesDir: "models" });
 *
 * @throws FatalError RPC_UNREACHABLE, WRONG_CHAIN, PLAINTEXT_KEY_REFUSED, KEY_UNREADABLE, KEY_MALFORMED, FAULT_REFUSED, NO_CONTRACT,
 * KERNEL_WRONG, KERNEL_UNPROVEN, GOLDEN_MISMATCH, GRAPH_MISMATCH, BUNDLES_UNREADABLE, BUNDLE_CHANGED, PROGRAM_MALFORMED, STORE_LOCKED, STORE_OTHER_DEPLOYMENT, QUEUE_URL_UNSUPPORTED, QUEUE_UNREACHABLE, PORT_IN_USE;
 * UsageError BUNDLES_MISSING
 */
export async function startOracleNode(options: OracleNodeOptions): Promise<RunningOracleNode> {
  const { addresses, dataDir = ".surety/oracle-node" } = options;
  const published = options.publish ?? ["models", "outputs"];
  const publicUrl = published.includes("outputs") ? options.publicUrl?.replace(/\/$/, "") : undefined;
  const log = createLogger("oracle-node", options.logLevel);
  const metrics = createMetrics();
  const alerts = createAlerts({ service: "oracle-node", webhook: options.webhook, log, metrics });
  const ending = new AbortController();
  const { chain, transactions, head } = await connect(options, log, metrics);
  const operator = transactions.address;
  await fetchWantedModels(options, log);
  const models = openServedModels(options.bundlesDir);
  for (const { modelId } of models.all()) {
    const { registered } = await modelSummary(chain, addresses, modelId);
    if (!registered) log.warn({ modelId }, "model is not registered: nobody can ask for it yet");
  }

  const teardown = createTeardown();
  teardown.add(() => alerts.close());
  const balance = watchBalance({ chain, account: operator, log, metrics, alerts });
  teardown.add(() => balance.close());
  try {
    const deployment = queueOwner(chain.chainId, addresses.oracle, addresses.game, operator);
    const store = openStore({ dataDir, deployment, operator });
    teardown.add(() => store.close());
    const faults = planFaults(options.fault, chain.chainId, store.faultyAnswers);
    const pool = startInferencePool(options, dataDir);
    teardown.add(() => pool.close());
    const estimates = createEstimates(pool.size);
    // INVARIANT: nothing is answered by a kernel or a model that is not right on this machine.
    for (const { dir, modelId } of models.all()) {
      const opened = pool.askAll({ kind: "open", bundleDir: dir }).catch((error: unknown) => {
        alerts.raise("self-test-failed", "critical", reasonOf(error), { code: errorCode(error) });
        throw error;
      });
      estimates.ran(modelId, await opened);
    }
    // A clock that costs the bond waits for no inference. It starts with the first dispute.
    const thread = startModelProcess<Task, Results>(
      siblingModule("../inference/model-worker", import.meta.url),
      { data: { checkedModelsDir: join(dataDir, "checked-models") } },
    );
    teardown.add(() => thread.close());
    const queues = await openQueues({ url: options.queueUrl ?? "embedded", dataDir, owner: deployment });
    teardown.add(() => queues.close());
    const modelIds = models.all().map(({ modelId }) => modelId);
    const inference = openInferenceQueues(queues, modelIds);
    const results = openResultQueue(queues);
    const posting = queues.open<PostJob>("post");
    const forgetFailed = async () => {
      await Promise.all([inference, results, posting].map((queue) => queue.forgetFailed()));
    };
    await forgetFailed();

    const clock = createChainClock();
    const onError = (where: string, error: unknown, isFinal = !isRetryable(error), facts: object = {}) => {
      metrics.errors.inc({ code: errorCode(error) });
      log[isFinal ? "error" : "warn"](
        { ...facts, where, code: errorCode(error), reason: reasonOf(error) },
        "failed",
      );
    };
    let caughtUp = false;
    const drain = createDrain({
      ...{ dataDir, store, log },
      caughtUp: () => caughtUp,
      onChange: (draining) => metrics.draining.set(draining ? 1 : 0),
    });
    const selfTest = createSelfTest({
      async run() {
        for (const { dir } of models.all()) await pool.askAll({ kind: "test", bundleDir: dir });
      },
      log,
      everySeconds: options.selfTestSeconds,
      onFailed: (error) =>
        alerts.raise("self-test-failed", "critical", reasonOf(error), { code: errorCode(error) }),
    });
    teardown.add(async () => selfTest.stop());
    // INVARIANT: nothing new is computed or posted while the node drains, or is not right on this machine any more.
    const whileWorking = (job: () => Promise<void>) =>
      selfTest.isGood() ? drain.unlessOn(job) : Promise.resolve();
    const views = createRequestViews(chain, addresses, operator);
    const membership = createMembership(chain, addresses, operator, models);
    const refusals = createRefusals(log, metrics);
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
        estimates,
        refusals,
        inference: {
          async add(id, job) {
            // A model that was added while the node runs.
            await answerModel(parseModelId(job.modelId));
            await inference.add(id, job);
          },
        },
        posting,
        forgetFailed,
      },
      ...{ clock, metrics, log, onError },
      takesWork: () => !drain.isOn() && selfTest.isGood(),
      deliver: options.deliver ?? false,
    });
    teardown.add(() => duties.drained());
    const inputs = createInputFinder({
      sources: { folder: join(dataDir, "inputs"), schemes: options.fetchInputs ?? [] },
      references: store.openReferences,
      models,
      onFound: store.recordInput,
      onError,
    });
    teardown.add(() => inputs.drained());

    const api = await serveApi({
      title: "Surety oracle node",
      token: options.apiToken,
      requestsPerMinute: options.apiRequestsPerMinute,
      host: options.host ?? "127.0.0.1",
      port: options.port ?? DEFAULT_PORT,
      log,
      registry: metrics.registry,
      readiness: async () => ({
        chain: caughtUp && !head.isStale() && (await settles(chain.client.getBlockNumber())),
        store: store.isOpen(),
        queue: await settles(inference.counts()),
        selfTest: selfTest.isGood(),
        takesWork: !drain.isOn(),
      }),
      refreshMetrics: async () => {
        for (const [queue, jobs] of Object.entries({ inference, results, post: posting })) {
          // A queue that is out of reach keeps its last counts: /health/ready tells.
          const counts = await jobs.counts().catch(() => ({}));
          for (const [state, count] of Object.entries(counts)) metrics.jobs.set({ queue, state }, count);
        }
        metrics.openRequests.set(store.countOpenRequests());
      },
      routes: nodeRoutes(createStatus({ chain, addresses, operator, models, store }), drain),
      files: [
        ...(published.includes("models") ? [modelFiles(models)] : []),
        ...(published.includes("outputs") ? [outputFiles(store.publishedOutput)] : []),
      ],
    });
    teardown.add(() => api.close());

    const answeredAt = new Map<string, number>();
    const isAnswered = async (job: InferenceJob | ResultJob) => {
      answeredAt.set(job.requestId, performance.now());
      await duties.answered(parseRequestId(job.requestId), parseModelId(job.modelId));
    };
    const outputUri = (root: string) => (publicUrl === undefined ? "" : `${publicUrl}/outputs/${root}`);
    const post = async (job: PostJob) => {
      const nowSeconds = clock.nowSeconds;
      const context = { chain, addresses, transactions, store, models, nowSeconds, outputUri };
      const since = answeredAt.get(job.requestId);
      answeredAt.delete(job.requestId);
      if (!(await postAnswer(context, job))) return;
      metrics.posted.inc();
      if (since !== undefined) {
        const seconds = (performance.now() - since) / 1_000;
        estimates.posted(seconds);
        metrics.postSeconds.observe(seconds);
      }
      log.info(job, "answer posted");
    };
    await posting.work((job) => whileWorking(() => post(job)), {
      concurrency: POSTS_AT_ONCE,
      onFailure: ({ requestId }, error, final) => onError("post", error, final, { requestId }),
    });
    const answer = async (job: InferenceJob) => {
      const { requestId, attempt } = job;
      const onInference = (seconds: number) => {
        metrics.inferenceSeconds.observe(seconds);
        log.info({ requestId, attempt, seconds }, "computed");
      };
      const { nowSeconds } = clock;
      const context = { models, pool, store, faults, estimates, refusals, nowSeconds, onInference };
      if (await infer(context, job)) await isAnswered(job);
    };
    const answerModel = (modelId: ModelId) =>
      inference.work(modelId, (job) => whileWorking(() => answer(job)), {
        // One more than can run, so that a process need not wait for the queue.
        concurrency: pool.size + 1,
        onFailure: ({ requestId }, error, final) => onError("inference", error, final, { requestId }),
      });
    for (const modelId of modelIds) await answerModel(modelId);
    const desk = createResultDesk({
      ...{ models, pool, store, recheckShare: options.recheckShare ?? RECHECK_SHARE },
      onResult({ worker, requestId, processes }, how) {
        if (how !== "wrong") estimates.heardOf(worker, processes);
        metrics.workerResults.inc({ worker, how });
        if (how === "wrong") {
          const text = "a worker was wrong: nothing of it is taken unchecked any more";
          log.error({ worker, requestId }, text);
          alerts.raise("worker-wrong", "critical", text, { worker, requestId });
        }
      },
    });
    const take = async (job: ResultJob) => {
      if (await desk.accept(job)) await isAnswered(job);
    };
    // While the node drains they stay unanswered: the requests are others' to answer.
    await results.work((job) => whileWorking(() => take(job)), {
      concurrency: RESULTS_AT_ONCE,
      onFailure: ({ requestId }, error, final) => onError("result", error, final, { requestId }),
    });

    const atHead = () => {
      caughtUp = true;
      inputs.tick();
      duties.tick();
      drain.look();
    };
    const following = followIntoStore({
      ...{ chain, options, store, metrics, head, log, alerts, signal: ending.signal },
      onEvent(event) {
        views.apply(event);
        membership.apply(event);
        if (event.type === "reorg") duties.reorged();
        if (event.type !== "block") return;
        clock.sync(event.block.timestamp);
        if (event.block.isHead) atHead();
      },
      onIdle: atHead,
    });
    if (options.explorerPort !== undefined) {
      const explorer = await startExplorer(
        {
          ...{ rpcUrls: options.rpcUrls, chainId: chain.chainId, pollMs: options.pollMs ?? EXPLORER_POLL_MS },
          ...{ addresses, startBlock: options.startBlock ?? 0n, bundlesDir: options.bundlesDir },
          names: { [operator.toLowerCase()]: "this node" },
          ...{ host: options.host ?? "127.0.0.1", port: options.explorerPort },
        },
        log,
      );
      teardown.add(() => explorer.close());
      log.info({ url: explorer.url }, "explorer served");
    }
    log.info({ url: api.url, operator, chainId: chain.chainId, models: modelIds }, "started");

    const failed = following.then(() => new Promise<never>(() => {}));
    failed.catch((error: unknown) => {
      onError("chain", error);
      alerts.raise("service-failing", "critical", reasonOf(error), { code: errorCode(error) });
    });
    return {
      url: api.url,
      address: operator,
      failed,
      ended: drain.ended,
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
