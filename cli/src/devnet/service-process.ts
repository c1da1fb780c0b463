import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { FatalError } from "@surety/protocol";

/** A service of ours in its own process. */
export interface ServiceProcess {
  readonly name: string;
  /** Base URL of its API. */
  readonly url: string;
  readonly pid: number;
  /** SIGTERM, then waits for the exit; SIGKILL after ten seconds. */
  stop(): Promise<void>;
}

export interface StartServiceParameters {
  readonly name: string;
  /** Path of the TypeScript entry point. */
  readonly entry: string;
  readonly flags: readonly string[];
  /** Secrets go here, never into flags. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends it (SIGTERM), also while it starts. */
  readonly signal: AbortSignal;
}

const READY_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 10_000;

/**
 * Starts a service and waits for its ready line.
 *
 * @throws FatalError SERVICE_NOT_READY with the last lines it logged
 */
export async function startService(parameters: StartServiceParameters): Promise<ServiceProcess> {
  const { name, entry, flags, environment, signal } = parameters;
  const child = spawn(process.execPath, [entry, ...flags], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    signal,
  });
  // Being aborted is an error to Node; to whoever waits for the start the exit that follows says it.
  child.on("error", () => {});
  const lastLines: string[] = [];
  const remember = (line: string) => {
    lastLines.push(line);
    if (lastLines.length > 5) lastLines.shift();
  };
  createInterface({ input: child.stderr }).on("line", remember);
  const url = await new Promise<string>((resolve, reject) => {
    const fail = (why: string) =>
      reject(new FatalError("SERVICE_NOT_READY", `${name} ${why}. Its last lines: ${lastLines.join(" | ")}`));
    const timer = setTimeout(
      () => fail(`was not ready after ${READY_TIMEOUT_MS / 1_000} s`),
      READY_TIMEOUT_MS,
    );
    child.once("error", (error) => fail(`could not be started: ${error.message}`));
    child.once("exit", (code, signal) => fail(`ended with ${code ?? signal}`));
    createInterface({ input: child.stdout }).on("line", (line) => {
      remember(line);
      const ready = parseReady(line);
      if (ready === undefined) return;
      clearTimeout(timer);
      resolve(ready);
    });
  });
  return { name, url, pid: child.pid ?? 0, stop: () => stop(child) };
}

function parseReady(line: string): string | undefined {
  if (!line.startsWith('{"ready":true')) return undefined;
  const message: unknown = JSON.parse(line);
  return typeof message === "object" && message !== null && "url" in message
    ? String(message.url)
    : undefined;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}
