import { setTimeout as sleep } from "node:timers/promises";
import { createTransactionManager, headOf, openChain, requireContracts, retryRpc } from "@surety/chain";
import { errorCode, FatalError } from "@surety/protocol";
import { pino } from "pino";
import { createApi } from "../api/api.ts";
import { challengeBondWei } from "../dispute/challenge-bond.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { loadAccount } from "../options/key.ts";
import type { ChallengerOptions } from "../options/options.ts";
import { openStore } from "../store/store.ts";
import { openBundleDirectory } from "../verify/bundle-directory.ts";
import { startModelThread } from "../verify/model-thread.ts";
import { watchChain } from "../watch/watch-chain.ts";
import { createEngineRoom } from "./engine-room.ts";

export interface RunningChallenger {
  /** Base URL of the API. */
  readonly url: string;
  readonly address: `0x${string}`;
  /** Rejects when the service can no longer do its work; pending while it does. */
  readonly failed: Promise<never>;
  /** Finishes what runs and lets go of everything. Games go on where they stand at the next start. */
  stop(): Promise<void>;
}

/** A supervisor kills after ten seconds. */
const STOP_WAIT_MS = 6_000;
const PENDING_WAIT_MS = 60_000;
const DEFAULT_PORT = 9465;
const DEFAULT_CAP_WEI = 500_000_000_000n;

/**
 * Starts a challenger: watch, verify, dispute, settle.
 *
 * @example
 * const challenger = await startChallenger({ rpcUrl, addresses, key, bundlesDir: "models" });
 * await challenger.stop();
 *
 * @throws FatalError RPC_UNREACHABLE, WRONG_CHAIN, NO_CONTRACT, PLAINTEXT_KEY_REFUSED, KEY_UNREADABLE, KEY_MALFORMED, BUNDLES_UNREADABLE, STORE_LOCKED, STORE_OTHER_DEPLOYMENT, PORT_IN_USE
 */
export async function startChallenger(options: ChallengerOptions): Promise<RunningChallenger> {
  const { addresses, rpcUrl, pollMs = 500, host = "127.0.0.1", port = DEFAULT_PORT } = options;
  const maxFeePerGasCapWei = options.maxFeePerGasCapWei ?? DEFAULT_CAP_WEI;
  const dataDir = options.dataDir ?? ".surety/challenger";
  // Logs go to standard error: standard output carries the ready line alone.
  const log = pino(
    {
      name: "challenger",
      level: options.logLevel ?? "info",
      redact: ["key", "*.key", "privateKey", "*.privateKey", "*.authorization"],
    },
    pino.destination({ dest: 2, sync: false }),
  );
  const chain = await openChain({
    rpcUrl,
    pollMs,
    ...(options.rpcGiveUpMs === undefined ? {} : { retry: { giveUpAfterMs: options.rpcGiveUpMs } }),
    ...(options.chainId === undefined ? {} : { chainId: options.chainId }),
  });
  const account = loadAccount(options.key, chain.chainId);
  await requireContracts(chain, addresses);
  const bondWei = await challengeBondWei(chain, addresses);
  const metrics = createMetrics();
  const bundles = openBundleDirectory(options.bundlesDir);
  const deployment = `${chain.chainId}/${addresses.oracle}/${addresses.game}`.toLowerCase();
  const store = openStore({ dataDir, deployment });
  const thread = startModelThread();
  const transactions = createTransactionManager({ chain, account, maxFeePerGasCapWei });
  const room = createEngineRoom({
    ...{
      chain,
      addresses,
      store,
      bundles,
      thread,
      log,
      metrics,
      challengeBondWei: bondWei,
      maxFeePerGasCapWei,
    },
    account: account.address,
    send: transactions.send,
    watchOnly: options.watchOnly ?? false,
  });

  let head = 0n;
  let caughtUp = false;
  const ending = new AbortController();
  const api = createApi({
    log,
    metrics,
    games: () => store.games(account.address),
    notReady: () => (caughtUp ? undefined : "reading the chain's past"),
  });
  const release = async (): Promise<void> => {
    await api.close();
    await thread.close();
    store.close();
  };
  let url: string;
  try {
    url = await api.listen({ host, port });
  } catch (cause) {
    await release();
    throw new FatalError("PORT_IN_USE", `The API cannot listen on ${host}:${port}. Give another --port.`, {
      cause,
    });
  }

  const watching = watchChain({
    ...{ chain, addresses, store, signal: ending.signal },
    startBlock: options.startBlock ?? 0n,
    finalityBlocks: options.finalityBlocks ?? 64,
    onBlock(block) {
      head = block.number;
      metrics.headBlock.set(Number(block.number));
      if (caughtUp) room.tick(head, block.isHead);
    },
    onReorg(depth) {
      metrics.reorgs.inc();
      log.warn({ depth }, "reorg undone");
    },
  });

  const pendingUntil = Date.now() + PENDING_WAIT_MS;
  /**
   * True once the store has seen what this account did before the start: a game that a transaction still on its way opens must not be
   * opened twice. One that stays pending for long is not waited for: a second game costs gas, its bond comes back.
   */
  async function hasCaughtUp(): Promise<boolean> {
    const { client, retry } = chain;
    const count = (blockTag: "latest" | "pending") =>
      retryRpc(() => client.getTransactionCount({ address: account.address, blockTag }), retry);
    if (Date.now() < pendingUntil && (await count("pending")) > (await count("latest"))) return false;
    const latest = await retryRpc(() => client.getBlockNumber(), retry);
    const cursor = store.cursor();
    if (cursor === undefined || headOf(cursor).number < latest) return false;
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
  log.info({ url, address: account.address, chainId: chain.chainId, bundles: bundles.count }, "started");

  const failed = watching.then(() => new Promise<never>(() => {}));
  // Who does not look at it must not die of it.
  failed.catch(() => {});
  return {
    url,
    address: account.address,
    failed,
    async stop() {
      clearInterval(timer);
      ending.abort();
      // A transaction may take long to be mined; a move left behind is made again at the next start.
      const done = Promise.allSettled([watching, looking, room.idle()]);
      await Promise.race([done, sleep(STOP_WAIT_MS, undefined, { ref: false })]);
      await release();
      log.info("stopped");
      log.flush();
    },
  };
}
