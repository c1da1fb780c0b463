import { requireGolden } from "@surety/engine";
import { assertNever } from "@surety/protocol";
import { serveTasks } from "@surety/service/worker";
import { nextDefence, traceCommitment } from "../defend/strategy.ts";
import { outputInstructions, postedRun, runOutput, sessionOf } from "./runs.ts";
import type { Results, Task } from "./task.ts";

/** Runs inside a worker thread: onnxruntime's run blocks its thread, and so does hashing. */
serveTasks(async (task: Task): Promise<Results[Task["kind"]]> => {
  switch (task.kind) {
    case "open":
      await sessionOf(task.bundleDir);
      return undefined;
    case "test":
      await requireGolden(await sessionOf(task.bundleDir));
      return undefined;
    case "run":
      return runOutput(task);
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
