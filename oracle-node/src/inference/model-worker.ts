import { parentPort } from "node:worker_threads";
import { inputsFromBytes, inputsToBytes, loadBundle, type ModelSession, openModel } from "@surety/engine";
import { errorCode, isRetryable } from "@surety/protocol";
import { tamperTrace } from "../testing/liar.ts";
import type { ResultMessage, Results, Task, TaskMessage } from "./task.ts";

/** Runs inside a worker thread: onnxruntime's run blocks its thread. */
const sessions = new Map<string, Promise<ModelSession>>();

function sessionOf(bundleDir: string): Promise<ModelSession> {
  const session = sessions.get(bundleDir) ?? openModel(loadBundle(bundleDir));
  sessions.set(bundleDir, session);
  // A bundle that could not be opened may be mended on disk: look again next time.
  session.catch(() => sessions.delete(bundleDir));
  return session;
}

async function perform({ kind, bundleDir, input, fault }: Task): Promise<Results[Task["kind"]]> {
  const session = await sessionOf(bundleDir);
  if (kind === "run" && fault === undefined) return Buffer.concat(await session.run(input));
  const { bundle } = session;
  const honest = await session.trace(input);
  const outputs = bundle.header.outputs.map(({ instruction }) => instruction);
  const inputs = inputsToBytes(bundle, inputsFromBytes(bundle, input));
  const model = { instructions: bundle.instructions, weights: bundle.weights, outputs };
  const trace = fault === undefined ? honest : tamperTrace(model, inputs, honest, fault);
  return kind === "trace" ? trace : Buffer.concat(outputs.map((index) => trace[index] as Uint8Array));
}

/** One task at a time: a run uses every core it may. */
let last: Promise<unknown> = Promise.resolve();

parentPort?.on("message", ({ id, task }: TaskMessage) => {
  const reply = (message: ResultMessage) => parentPort?.postMessage(message);
  last = last
    .then(() => perform(task))
    .then(
      (value) => reply({ id, ok: true, value }),
      (error: unknown) =>
        reply({
          id,
          ok: false,
          code: errorCode(error),
          message: error instanceof Error ? error.message : String(error),
          retryable: isRetryable(error),
        }),
    );
});
