import { itemCountOf, questionAsked } from "@surety/engine";
import { FatalError, parseModelId, parseRequestId } from "@surety/protocol";
import { hexToBytes } from "viem";
import type { Store } from "../store/store.ts";
import type { ServedModels } from "./models.ts";
import type { InferencePool } from "./pool.ts";

/** What a worker computed. */
export interface ResultJob {
  readonly requestId: string;
  readonly attempt: number;
  readonly modelId: string;
  /** What was answered: names model and input. */
  readonly question: string;
  /** Hexadecimal bytes. */
  readonly output: string;
  /** Name of the worker. */
  readonly worker: string;
  /** How many processes compute there. */
  readonly processes: number;
}

export interface ResultContext {
  readonly models: ServedModels;
  readonly pool: InferencePool;
  readonly store: Store;
  /** Which share of the results is computed here again. */
  readonly recheckShare: number;
  /** From 0 to 1, as Math.random. */
  readonly random?: () => number;
  /** Told of every result: as it was taken, computed again and equal, or computed again and another. */
  readonly onResult: (job: ResultJob, how: "taken" | "right" | "wrong") => void;
}

/**
 * Takes results of workers in. The stake stands behind them, so they are looked at first: the question must be the request's and the output of the model's
 * size; the first of every worker, and then a share, is computed here again. A worker that was wrong once has everything computed again from then on.
 */
export function createResultDesk(context: ResultContext) {
  const { models, pool, store, recheckShare, random = Math.random, onResult } = context;
  const proven = new Set<string>();
  const distrusted = new Set<string>();

  return {
    /** True when it gave an answer to post. @throws FatalError RESULT_MALFORMED, ANSWER_CONFLICT and the engine's; RetryableError MODEL_PROCESS_ENDED, MODEL_PROCESS_MEMORY */
    async accept(job: ResultJob): Promise<boolean> {
      const request = store.requestOf(parseRequestId(job.requestId));
      const model = models.find(parseModelId(job.modelId));
      // A reorg took the request away, or it is answered already.
      if (request === undefined || model === undefined || store.answerTo(request) !== undefined) return false;
      const question = questionAsked(model, request.input);
      // The number belongs to another request now.
      if (request.modelId !== model.modelId || question !== job.question) return false;
      const theirs = hexToBytes(job.output as `0x${string}`);
      const items = itemCountOf(model.header.inputBytes, request.input);
      const bytes = items * model.header.outputs.reduce((sum, output) => sum + output.bytes, 0);
      if (theirs.length !== bytes) {
        distrusted.add(job.worker);
        throw new FatalError(
          "RESULT_MALFORMED",
          `Worker ${job.worker} gave ${theirs.length} bytes where the model gives ${bytes}.`,
        );
      }
      const isToCheck = !proven.has(job.worker) || distrusted.has(job.worker) || random() < recheckShare;
      const output = isToCheck
        ? (await pool.ask({ kind: "run", bundleDir: model.dir, input: request.input, fault: undefined }))
            .output
        : theirs;
      const isRight = Buffer.compare(output, theirs) === 0;
      if (isRight) proven.add(job.worker);
      else distrusted.add(job.worker);
      onResult(job, isRight ? (isToCheck ? "right" : "taken") : "wrong");
      store.recordAnswer(request, { question, output, fault: undefined });
      return true;
    },
  };
}
