import { questionAsked } from "@surety/engine";
import type { BundleEntry } from "@surety/service";
import type { Answer, Store, StoredRequest } from "../store/store.ts";
import type { FaultTarget } from "../testing/liar.ts";
import type { DefenceThread } from "./task.ts";

export interface AnswerContext {
  readonly thread: Pick<DefenceThread, "ask">;
  readonly store: Store;
}

/**
 * Runs the model on a request's input and writes the answer down.
 *
 * @param onRun Told how long the model ran, in seconds.
 * @throws FatalError ANSWER_CONFLICT and the engine's; RetryableError MODEL_PROCESS_ENDED, MODEL_PROCESS_MEMORY
 */
export async function computeAnswer(
  { thread, store }: AnswerContext,
  request: StoredRequest,
  model: BundleEntry,
  fault?: FaultTarget,
  onRun: (seconds: number) => void = () => {},
): Promise<Answer> {
  const { output, seconds } = await thread.ask({
    kind: "run",
    bundleDir: model.dir,
    input: request.input,
    fault,
  });
  onRun(seconds);
  const question = questionAsked(model, request.input);
  const answer = { question, output, fault: fault === undefined ? undefined : JSON.stringify(fault) };
  store.recordAnswer(request, answer);
  return answer;
}

/**
 * What this account has said to a request. Where its memory does not tell (the disk was lost, or another process with the same key answered) it is computed:
 * there is one right answer, and an assertion that nobody defends or makes final costs the bond or the fee.
 *
 * @throws as `computeAnswer`
 */
export async function ownAnswer(
  context: AnswerContext,
  request: StoredRequest,
  model: BundleEntry,
): Promise<Answer> {
  return context.store.answerTo(request) ?? (await computeAnswer(context, request, model));
}
