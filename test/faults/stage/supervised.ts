import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { atExit } from "./at-exit.ts";

/** A process that ended without being told to. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** `CODE` of its last line `error[CODE]: ...`; undefined for one that ended in another way. */
  readonly reason: string | undefined;
  readonly lastLines: readonly string[];
}

/** A log line of the level `error` or above. */
export interface LoggedError {
  readonly code: string;
  readonly line: string;
}

/** A process that is started again whenever it ends, as by systemd. */
export interface Supervised {
  readonly name: string;
  /** Base URL of its API; undefined before it is ready. */
  readonly url: () => string | undefined;
  readonly exits: Exit[];
  readonly errors: LoggedError[];
  /** Starts it; what it is started with from now on may be changed. */
  start(environment?: Readonly<Record<string, string>>): void;
  /** SIGKILL, and no new start. */
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Resolves when it has printed its ready line. */
  ready(timeoutMs: number): Promise<void>;
  /** The last lines of its log. */
  lastLines(): readonly string[];
}

export interface SupervisedParameters {
  readonly name: string;
  /** Path of the TypeScript entry point. */
  readonly entry: string;
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const RESTART_MS = 300;
const KEPT_LINES = 60;

export function supervise({ name, entry, flags, environment }: SupervisedParameters): Supervised {
  let child: ChildProcess | undefined;
  let wanted = false;
  let url: string | undefined;
  let extra: Readonly<Record<string, string>> = {};
  const exits: Exit[] = [];
  const errors: LoggedError[] = [];
  const lines: string[] = [];

  function read(line: string): void {
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
    if (!line.startsWith("{")) return;
    const { level, code = "none" } = JSON.parse(line) as { level?: number; code?: string };
    if (level !== undefined && level >= 50) errors.push({ code, line });
  }

  function launch(): void {
    url = undefined;
    lines.push("--- started");
    const started = spawn(process.execPath, [entry, ...flags], {
      env: {
        ...process.env,
        SURETY_LOG_LEVEL: process.env.SURETY_TEST_LOG ?? "warn",
        ...environment,
        ...extra,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = started;
    const own: string[] = [];
    createInterface({ input: started.stderr }).on("line", (line) => {
      own.push(line);
      if (own.length > 8) own.shift();
      read(line);
    });
    createInterface({ input: started.stdout }).on("line", (line) => {
      if (line.startsWith('{"ready":true')) url = (JSON.parse(line) as { url: string }).url;
    });
    started.once("close", (code, signal) => {
      if (child !== started) return;
      child = undefined;
      url = undefined;
      if (!wanted) return;
      const reasons = own.flatMap((line) => /^error\[(\w+)\]/.exec(line)?.[1] ?? []);
      exits.push({ code, signal, reason: reasons.at(-1), lastLines: own });
      setTimeout(() => {
        if (wanted && child === undefined) launch();
      }, RESTART_MS);
    });
  }

  atExit(() => child?.kill("SIGKILL"));

  return {
    name,
    url: () => url,
    exits,
    errors,
    start(changed = {}) {
      extra = changed;
      wanted = true;
      if (child === undefined) launch();
    },
    async kill() {
      wanted = false;
      const ending = child;
      if (ending === undefined) return;
      const gone = once(ending, "close");
      ending.kill("SIGKILL");
      await gone;
    },
    freeze: () => void child?.kill("SIGSTOP"),
    thaw: () => void child?.kill("SIGCONT"),
    async ready(timeoutMs) {
      const startedAt = performance.now();
      while (url === undefined) {
        if (performance.now() - startedAt > timeoutMs) {
          throw new Error(`${name} was not ready after ${timeoutMs} ms:\n${lines.slice(-8).join("\n")}`);
        }
        await sleep(50);
      }
    },
    lastLines: () => lines,
  };
}
