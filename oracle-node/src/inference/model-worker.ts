import type { ModelSession } from "@surety/engine";
import { assertNever } from "@surety/protocol";
import { retestModel, serveTasks } from "@surety/service/worker";
import { nextDefence, traceCommitment } from "../defend/strategy.ts";
import { outputInstructions, postedRun, runOutput, sessionOf } from "./runs.ts";
import type { Results, RunResult, RunSubject, Task } from "./task.ts";

/** Runs inside a process or thread of its own: onnxruntime's run blocks its thread, and so does hashing. */
serveTasks(async (task: Task): Promise<Results[Task["kind"]]> => {
  switch (task.kind) {
    case "open":
      return secondsOfRun(await sessionOf(task.bundleDir));
    case "test":
      await retestModel(await sessionOf(task.bundleDir), task.bundleDir);
      return undefined;
    case "run":
      return timed(task);
    case "commit": {
      const { bundle, trace } = await postedRun(task);
      return traceCommitment(trace, outputInstructions(bundle));
    }
    case "defend": {
      const { bundle, trace } = await postedRun(task);
      return nextDefence(task.view, trace, outputInstructions(bundle));
    }
    default:
      return assertNever(task);
  }
});

/** Of a run on zeros: nothing was measured before the first request. */
async function secondsOfRun({ bundle, run }: ModelSession): Promise<number> {
  const bytes = bundle.header.inputBytes.reduce((sum, size) => sum + size, 0);
  const startedAt = performance.now();
  await run(new Uint8Array(bytes));
  return (performance.now() - startedAt) / 1_000;
}

async function timed(subject: RunSubject): Promise<RunResult> {
  const startedAt = performance.now();
  const output = await runOutput(subject);
  return { output, seconds: (performance.now() - startedAt) / 1_000 };
}
