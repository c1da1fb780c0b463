import { assertNever } from "@surety/protocol";
import { serveTasks } from "@surety/service/worker";
import { nextMove } from "../dispute/strategy.ts";
import { ownRun, programOutput, runOutput, sessionOf } from "./runs.ts";
import type { Answers, Task } from "./task.ts";

serveTasks(async (task: Task): Promise<Answers[Task["kind"]]> => {
  switch (task.kind) {
    case "open":
      await sessionOf(task.bundleDir);
      return undefined;
    case "run":
      return runOutput(task);
    case "recheck":
      return programOutput(task);
    case "move": {
      const { view, traceRoot, revealed } = task;
      return nextMove({ view, traceRoot, revealed, own: await ownRun(task) });
    }
    default:
      return assertNever(task);
  }
});
