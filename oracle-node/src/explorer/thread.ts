import { parentPort, workerData } from "node:worker_threads";
import { openChain } from "@surety/chain";
import { loadBundle } from "@surety/engine";
import { serveExplorer } from "@surety/explorer";
import { errorCode } from "@surety/protocol";
import { bundleDirs, reasonOf } from "@surety/service";
import type { ExplorerFrom, ExplorerMessage } from "./start-explorer.ts";

/** A thread that serves the explorer: what its visitors make it read, draw and compute never holds up the node. */
const { rpcUrls, chainId, pollMs, bundlesDir, names, ...place } = workerData as ExplorerFrom;
const tell = (message: ExplorerMessage) => parentPort?.postMessage(message);

function fail(error: unknown): void {
  tell({ ok: false, code: errorCode(error), reason: reasonOf(error) });
  // The message first.
  setImmediate(() => process.exit(1));
}

try {
  const chain = await openChain({ rpcUrl: rpcUrls, chainId, pollMs });
  const explorer = await serveExplorer({
    ...place,
    chain,
    bundles: bundleDirs(bundlesDir).map(loadBundle),
    names: () => names,
    onError: fail,
  });
  tell({ ok: true, url: explorer.url });
} catch (error) {
  fail(error);
}
