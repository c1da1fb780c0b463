import { assertNever } from "@surety/protocol";
import { retestModel, serveTasks } from "@surety/service/worker";
import { revealFor } from "../defend/answer.ts";
import { nextMove } from "../dispute/strategy.ts";
import {
  openedModel,
  ownRun,
  programOutput,
  proveOutput,
  runOutput,
  sessionOf,
  traceRootOf,
} from "./runs.ts";
import type { Answers, Task } from "./task.ts";

serveTasks(async (task: Task): Promise<Answers[Task["kind"]]> => {
  switch (task.kind) {
    case "open":
      return openedModel(task.bundleDir);
    case "test":
      await retestModel(await sessionOf(task.bundleDir), task.bundleDir);
      return undefined;
    case "run":
      return runOutput(task);
    case "recheck":
      return programOutput(task);
    case "prove":
      return proveOutput(task);
    case "traceRoot":
      return traceRootOf(task);
    case "answer":
      return revealFor(task.view, await ownRun(task));
    case "move": {
      const { view, traceRoot, revealed } = task;
      return nextMove({ view, traceRoot, revealed, own: await ownRun(task) });
    }
    default:
      return assertNever(task);
  }
});
