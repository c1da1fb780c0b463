import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { SuretyAddresses } from "@surety/chain";
import { FatalError, siblingModule } from "@surety/protocol";
import type { Logger } from "@surety/service";

/** What the explorer's thread is started with. */
export interface ExplorerFrom {
  readonly rpcUrls: readonly string[];
  readonly chainId: number;
  readonly pollMs: number;
  readonly addresses: SuretyAddresses;
  readonly startBlock: bigint;
  readonly bundlesDir: string;
  /** Who is who, by lower-case address. */
  readonly names: Readonly<Record<string, string>>;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** From the thread: where it serves, or why it ends. */
export type ExplorerMessage =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly code: string; readonly reason: string };

export interface RunningExplorer {
  readonly url: string;
  close(): Promise<void>;
}

const START_AGAIN_MS = 10_000;

/**
 * Serves the explorer from a thread of its own. One that ends, because no RPC answered for long, is started again on its port: the node goes on meanwhile.
 *
 * @throws FatalError of the thread when it cannot be started the first time: PORT_IN_USE, RPC_UNREACHABLE, BUNDLE_CHANGED...
 */
export async function startExplorer(from: ExplorerFrom, log: Logger): Promise<RunningExplorer> {
  let closed = false;
  let worker: Worker;
  const start = (port: number) =>
    new Promise<string>((resolve, reject) => {
      let failure = new FatalError("EXPLORER_ENDED", "The explorer's thread ended.");
      let url: string | undefined;
      worker = new Worker(siblingModule("./thread", import.meta.url), { workerData: { ...from, port } });
      worker.on("message", (message: ExplorerMessage) => {
        const Rethrown = FatalError;
        if (!message.ok) failure = new Rethrown(message.code, message.reason);
        else {
          url = message.url;
          resolve(url);
        }
      });
      worker.once("error", (error) => {
        failure = new FatalError("EXPLORER_ENDED", `The explorer's thread ended: ${error.message}.`);
      });
      worker.once("exit", () => {
        reject(failure);
        if (closed || url === undefined) return;
        log.error(
          { code: failure.code, reason: failure.shortMessage },
          "the explorer ended; it is started again",
        );
        void again(Number(new URL(url).port));
      });
    });
  async function again(port: number): Promise<void> {
    for (;;) {
      await sleep(START_AGAIN_MS, undefined, { ref: false });
      if (closed) return;
      const started = await start(port).then(
        () => true,
        (error: FatalError) => {
          log.warn({ code: error.code, reason: error.shortMessage }, "the explorer cannot be started");
          return false;
        },
      );
      if (started) return;
    }
  }
  const url = await start(from.port);
  return {
    url,
    async close() {
      closed = true;
      await worker.terminate();
    },
  };
}
