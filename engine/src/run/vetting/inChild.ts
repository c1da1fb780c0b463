import { fork } from "node:child_process";
import { totalmem } from "node:os";
import { FatalError, siblingModule } from "@surety/protocol";
import { residentBytes } from "./residentBytes.ts";
import type { VettingReply, VettingResults, VettingTask } from "./task.ts";

export interface VettingLimits {
  /** Default: 10 minutes. */
  readonly timeoutMs?: number;
  /** Memory the process may have resident, looked at several times a second; Linux only. Default: half of the machine's. */
  readonly memoryBytes?: number;
}

const TIMEOUT_MS = 600_000;
const LOOK_EVERY_MS = 50;
const MEGABYTE = 2 ** 20;

/**
 * Does a task in a process of its own: some graphs abort the process inside onnxruntime, and a hostile one may take all time or memory.
 *
 * @throws FatalError MODEL_CRASHED, MODEL_TIMEOUT, MODEL_MEMORY; and what the task throws, by its code
 */
export function inChild<Kind extends VettingTask["kind"]>(
  task: VettingTask & { readonly kind: Kind },
  limits: VettingLimits = {},
): Promise<VettingResults[Kind]> {
  const { timeoutMs = TIMEOUT_MS, memoryBytes = totalmem() / 2 } = limits;
  const heapMegabytes = Math.ceil(memoryBytes / MEGABYTE);
  const child = fork(siblingModule("./child", import.meta.url), {
    serialization: "advanced",
    execArgv: [`--max-old-space-size=${heapMegabytes}`],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-4_000);
  });
  return new Promise((resolve, reject) => {
    const end = (error?: FatalError) => {
      clearTimeout(timer);
      clearInterval(look);
      child.kill("SIGKILL");
      if (error) reject(error);
    };
    const timer = setTimeout(
      () => end(new FatalError("MODEL_TIMEOUT", `The model took more than ${timeoutMs / 1000} s to load.`)),
      timeoutMs,
    );
    const look = setInterval(() => {
      if (residentBytes(child.pid) <= memoryBytes) return;
      const limit = `${heapMegabytes.toLocaleString("en")} MB`;
      end(
        new FatalError("MODEL_MEMORY", `The model needs more than the ${limit} of memory allowed to load.`),
      );
    }, LOOK_EVERY_MS);
    child.once("message", (reply: VettingReply) => {
      end(reply.ok ? undefined : rethrown(reply));
      if (reply.ok) resolve(reply.value as VettingResults[Kind]);
    });
    child.once("error", (cause) =>
      end(new FatalError("MODEL_CRASHED", `The model cannot be vetted: ${cause.message}.`, { cause })),
    );
    child.once("close", (code, signal) => {
      const heapIsFull = stderr.includes("heap out of memory");
      const said = stderr.trim().split("\n")[0]?.slice(0, 200) ?? "";
      end(
        heapIsFull
          ? new FatalError("MODEL_MEMORY", `The model needs more than ${heapMegabytes} MB of memory to load.`)
          : new FatalError(
              "MODEL_CRASHED",
              `The model ends the process that loads it (${signal ?? `exit code ${code}`}${said ? `: ${said}` : ""}). It cannot be used.`,
            ),
      );
    });
    // A child that is gone already is told about by its "close".
    child.send(task, () => {});
  });
}

/** An error of the child's as this process throws it; its code is one of docs/errors.md already. */
function rethrown({ code, message }: VettingReply & { readonly ok: false }): FatalError {
  const Rethrown = FatalError;
  return new Rethrown(code, message);
}
