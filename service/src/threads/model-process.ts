import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { residentBytes } from "@surety/engine";
import { RetryableError } from "@surety/protocol";
import { createCalls } from "./calls.ts";
import type { ModelThreadData, ResultMessage } from "./messages.ts";
import type { ModelThread } from "./model-thread.ts";
import { PROCESS_DATA } from "./process-data.ts";

export interface ModelProcessOptions {
  /** For its `createOpenModels`. */
  readonly data?: ModelThreadData;
  /** Memory it may have resident, in bytes, looked at ten times a second; Linux only. Default: what there is. */
  readonly memoryBytes?: number;
}

const LOOK_EVERY_MS = 100;
const MEGABYTE = 2 ** 20;

/**
 * A `ModelThread` that is a process: what onnxruntime breaks or eats there, it breaks and eats for nobody else. It is started by the first call, and again by the
 * first call after its end.
 *
 * @param script Of the process; it calls `serveTasks`.
 * @throws `ask`: RetryableError MODEL_PROCESS_MEMORY when it took more memory than allowed, MODEL_PROCESS_ENDED when it ended otherwise; what was asked may be
 * asked again, of a new process
 */
export function startModelProcess<Task extends { readonly kind: string }, Results>(
  script: URL,
  { data, memoryBytes = Number.POSITIVE_INFINITY }: ModelProcessOptions = {},
): ModelThread<Task, Results> {
  const calls = createCalls();
  let child: ChildProcess | undefined;
  let look: NodeJS.Timeout | undefined;

  function ended(which: ChildProcess | undefined, error: RetryableError): void {
    if (child !== which) return;
    child = undefined;
    clearInterval(look);
    which?.kill("SIGKILL");
    calls.fail(error);
  }

  function start(): ChildProcess {
    const started = fork(script, {
      serialization: "advanced",
      execArgv: Number.isFinite(memoryBytes)
        ? [`--max-old-space-size=${Math.ceil(memoryBytes / MEGABYTE)}`]
        : [],
      env: environment(data),
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let stderr = "";
    started.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-4_000);
    });
    started.on("message", (message: ResultMessage<unknown>) => calls.settle(message));
    started.on("error", (cause) => {
      ended(started, new RetryableError("MODEL_PROCESS_ENDED", `No process for models: ${cause.message}.`));
    });
    started.on("close", (code, signal) => {
      if (stderr.includes("heap out of memory")) return ended(started, tooLarge(memoryBytes));
      const said = stderr.trim().split("\n")[0]?.slice(0, 200) ?? "";
      const why = `${signal ?? `exit code ${code}`}${said === "" ? "" : `: ${said}`}`;
      ended(
        started,
        new RetryableError("MODEL_PROCESS_ENDED", `The process that runs the models ended (${why}).`),
      );
    });
    look = setInterval(() => {
      if (residentBytes(started.pid) > memoryBytes) ended(started, tooLarge(memoryBytes));
    }, LOOK_EVERY_MS).unref();
    return started;
  }

  return {
    ask(task) {
      child ??= start();
      const active = child;
      // One that is gone already is told about by its "close".
      return calls.send(task, (message) => active.send(message, () => {}));
    },
    async close() {
      const ending = child;
      const exited =
        ending === undefined || ending.exitCode !== null || ending.signalCode !== null
          ? undefined
          : once(ending, "exit");
      ended(
        ending,
        new RetryableError("MODEL_PROCESS_ENDED", "The process that runs the models was closed."),
      );
      await exited;
    },
  };
}

function tooLarge(memoryBytes: number): RetryableError {
  const megabytes = Math.round(memoryBytes / MEGABYTE).toLocaleString("en");
  return new RetryableError(
    "MODEL_PROCESS_MEMORY",
    `A process that runs models took more than the ${megabytes} MB of memory allowed, and was replaced.`,
  );
}

/** This process's without its options: keys and tokens are among them. */
function environment(data: ModelThreadData | undefined): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("SURETY_"));
  return { ...Object.fromEntries(kept), [PROCESS_DATA]: JSON.stringify(data ?? null) };
}
