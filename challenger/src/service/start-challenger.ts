import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { attentionOf, headOf, oracleParameters, retryRpc } from "@surety/chain";
import { errorCode, siblingModule } from "@surety/protocol";
import {
  connect,
  createAlerts,
  createLogger,
  createSelfTest,
  createTeardown,
  fetchWantedModels,
  followIntoStore,
  openBundleDirectory,
  type RunningService,
  reasonOf,
  serveApi,
  settles,
  startModelThread,
  watchBalance,
} from "@surety/service";
import { GAMES_SCHEMA, gamesJson } from "../api/games.ts";
import { createReserve } from "../dispute/reserve.ts";
import { createMetrics } from "../metrics/metrics.ts";
import type { ChallengerOptions } from "../options/options.ts";
import { DEFAULT_PORT } from "../options/read-options.ts";
import { openStore, storeOwner } from "../store/store.ts";
import { createPolicy, samplingSeed } from "../verify/policy.ts";
import type { Answers, Task } from "../verify/task.ts";
import { createEngineRoom } from "./engine-room.ts";

/** Games go on where they stand at the next start. */
export type RunningChallenger = RunningService;

/** A supervisor kills after ten seconds. */
const STOP_WAIT_MS = 6_000;
const PENDING_WAIT_MS = 60_000;
const DEFAULT_CAP_WEI = 500_000_000_000n;

/**
 * Starts a challenger: watch, verify, dispute, settle.
 *
 * @example
 * const challenger = await startChallenger({ rpcUrls, addresses, key, bundlesDir: "models" });
 * await challenger.stop();
 *
 * @throws FatalError RPC_UNREACHABLE, WRONG_CHAIN, NO_CONTRACT, PLAINTEXT_KEY_REFUSED, KEY_UNREADABLE, KEY_MALFORMED, BUNDLES_UNREADABLE, BUNDLE_CHANGED, KERNEL_WRONG, KERNEL_UNPROVEN, GOLDEN_MISMATCH, GRAPH_MISMATCH, STORE_LOCKED, STORE_OTHER_DEPLOYMENT, PORT_IN_USE
 */
export async function startChallenger(options: ChallengerOptions): Promise<RunningChallenger> {
  const { addresses, pollMs = 500, dataDir = ".surety/challenger" } = options;
  const maxFeePerGasCapWei = options.maxFeePerGasCapWei ?? DEFAULT_CAP_WEI;
  const log = createLogger("challenger", options.logLevel);
  const metrics = createMetrics();
  const alerts = createAlerts({ service: "challenger", webhook: options.webhook, log, metrics });
  const ending = new AbortController();
  const {
    chain,
    transactions,
    head: watch,
  } = await connect({ ...options, maxFeePerGasCapWei }, log, metrics);
  const account = transactions.address;
  const { bondBps } = await oracleParameters(chain, addresses);
  await fetchWantedModels(options, log);
  if (options.attend) attentionOf(addresses);
  const bundles = openBundleDirectory(options.bundlesDir);
  const teardown = createTeardown();
  teardown.add(() => alerts.close());
  const balance = watchBalance({ chain, account, log, metrics, alerts });
  teardown.add(() => balance.close());
  const store = openStore({
    dataDir,
    deployment: storeOwner(chain.chainId, addresses),
  });
  teardown.add(() => store.close());
  store.lookAgain();
  const thread = startModelThread<Task, Answers>(siblingModule("../verify/model-worker", import.meta.url), {
    checkedModelsDir: join(dataDir, "checked-models"),
  });
  teardown.add(() => thread.close());
  try {
    // INVARIANT: nobody is challenged by a kernel or a model that is not right on this machine.
    for (const { dir } of bundles.all()) await thread.ask({ kind: "open", bundleDir: dir });
  } catch (error) {
    alerts.raise("self-test-failed", "critical", reasonOf(error), { code: errorCode(error) });
    await teardown.run();
    throw error;
  }
  const selfTest = createSelfTest({
    async run() {
      for (const { dir } of bundles.all()) await thread.ask({ kind: "test", bundleDir: dir });
    },
    log,
    everySeconds: options.selfTestSeconds,
    onFailed: (error) =>
      alerts.raise("self-test-failed", "critical", reasonOf(error), { code: errorCode(error) }),
  });
  teardown.add(async () => selfTest.stop());
  const room = createEngineRoom({
    ...{ chain, addresses, account, store, bundles, thread, log, metrics, alerts },
    maxFeePerGasCapWei,
    reserve: createReserve(chain, account, maxFeePerGasCapWei),
    policy: createPolicy(options.policy ?? {}, bondBps, samplingSeed(dataDir)),
    send: transactions.send,
    watchOnly: options.watchOnly ?? false,
    dryRun: options.dryRun ?? false,
    deliver: options.deliver ?? false,
    attend: options.attend ?? false,
    defend: options.defend ?? [],
    isFit: selfTest.isGood,
    inputSources: { folder: join(dataDir, "inputs"), schemes: options.fetchInputs ?? [] },
  });

  let head = 0n;
  let caughtUp = false;
  const api = await serveApi({
    title: "Surety challenger",
    token: options.apiToken,
    requestsPerMinute: options.apiRequestsPerMinute,
    host: options.host ?? "127.0.0.1",
    port: options.port ?? DEFAULT_PORT,
    log,
    registry: metrics.registry,
    readiness: async () => ({
      chain: caughtUp && !watch.isStale() && (await settles(chain.client.getBlockNumber())),
      store: store.isOpen(),
      selfTest: selfTest.isGood(),
    }),
    routes: {
      "/v1/games": {
        summary: "Own games, over or not.",
        response: GAMES_SCHEMA,
        read: () => gamesJson(store.games(account)),
      },
    },
  }).catch(async (error: unknown) => {
    await teardown.run();
    throw error;
  });
  teardown.add(() => api.close());

  const following = followIntoStore({
    ...{ chain, options, store, metrics, head: watch, log, alerts, signal: ending.signal },
    onEvent(event) {
      if (event.type !== "block") return;
      head = event.block.number;
      if (caughtUp) room.tick(head, event.block.isHead);
    },
  });

  const pendingUntil = performance.now() + PENDING_WAIT_MS;
  /** The lowest head seen since nothing of this account was pending any more. */
  let toBeSeen: bigint | undefined;
  /**
   * True once the store has seen what this account did before the start: a game that a transaction still on its way opens must not be
   * opened twice. One that stays pending for long is not waited for: a second game costs gas, its bond comes back.
   */
  async function hasCaughtUp(): Promise<boolean> {
    const { client, retry } = chain;
    const count = (blockTag: "latest" | "pending") =>
      retryRpc(() => client.getTransactionCount({ address: account, blockTag }), retry);
    const isPending = async () => (await count("pending")) > (await count("latest"));
    if (toBeSeen === undefined && performance.now() < pendingUntil && (await isPending())) return false;
    const latest = await retryRpc(() => client.getBlockNumber(), retry);
    // Not the newest: where blocks come faster than looks, the store would never be there at the same time.
    toBeSeen = toBeSeen !== undefined && toBeSeen < latest ? toBeSeen : latest;
    const cursor = store.cursor();
    if (cursor === undefined || headOf(cursor).number < toBeSeen) return false;
    head = headOf(cursor).number;
    return true;
  }

  /** Also without a new block, for clocks run on and what failed is to be tried again. */
  async function look(): Promise<void> {
    caughtUp ||= await hasCaughtUp();
    if (caughtUp && !ending.signal.aborted) room.tick(head, true);
  }
  let looking: Promise<void> | undefined;
  const timer = setInterval(() => {
    looking ??= look()
      .catch((error: unknown) => log.warn({ code: errorCode(error) }, "cannot look at the chain"))
      .finally(() => {
        looking = undefined;
      });
  }, pollMs);
  const { url } = api;
  log.info({ url, address: account, chainId: chain.chainId, bundles: bundles.all().length }, "started");

  const failed = following.then(() => new Promise<never>(() => {}));
  failed.catch((error: unknown) => {
    alerts.raise("service-failing", "critical", reasonOf(error), { code: errorCode(error) });
  });
  return {
    url,
    address: account,
    failed,
    async stop() {
      clearInterval(timer);
      ending.abort();
      // A transaction may take long to be mined; a move left behind is made again at the next start.
      const done = Promise.allSettled([following, looking, room.drained()]);
      await Promise.race([done, sleep(STOP_WAIT_MS, undefined, { ref: false })]);
      await teardown.run();
      log.info("stopped");
      log.flush();
    },
  };
}
