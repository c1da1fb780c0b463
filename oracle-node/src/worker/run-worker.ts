import { runService } from "@surety/service";
import { WORKER_PROGRAM } from "./options.ts";
import { startWorker } from "./start-worker.ts";

/**
 * The whole of `surety worker`.
 *
 * @param args Default: this process's.
 */
export function runWorker(args?: readonly string[]): Promise<void> {
  return runService({ program: WORKER_PROGRAM, start: startWorker, ...(args === undefined ? {} : { args }) });
}
