import { type Schedule, SERVICES, type ServiceName } from "../schedule/schedule.ts";
import type { StageSet } from "../stage/stage.ts";

/** How many exits and errors each process had. */
export type Marks = Readonly<Record<ServiceName, { readonly exits: number; readonly errors: number }>>;

export function markProcesses({ services }: StageSet): Marks {
  return Object.fromEntries(
    SERVICES.map((name) => [
      name,
      { exits: services[name].exits.length, errors: services[name].errors.length },
    ]),
  ) as Marks;
}

/** Errors that mean that a service took itself or its memory to be wrong: nothing outside explains them. */
const NEVER = [
  ...["ANSWER_CONFLICT", "TRACE_MISMATCH", "DEFENCE_IMPOSSIBLE", "RESULT_MALFORMED", "REORG_TOO_DEEP"],
  ...["KERNEL_WRONG", "GOLDEN_MISMATCH", "GRAPH_MISMATCH", "CURSOR_MALFORMED", "STORE_OTHER_DEPLOYMENT"],
];
const READY_MS = 400_000;

/** Every process is up, in order, and has ended only by a reason that it named. */
export async function checkProcesses(stage: StageSet, _schedule: Schedule, marks: Marks): Promise<string[]> {
  const found: string[] = [];
  for (const name of SERVICES) {
    const { exits, errors, ready } = stage.services[name];
    await ready(READY_MS).catch((error: Error) => found.push(error.message));
    for (const { code, signal, reason, lastLines } of exits.slice(marks[name].exits)) {
      if (reason === undefined || reason === "UNKNOWN") {
        found.push(
          `${name} ended with ${code ?? signal} without saying why:\n    ${lastLines.join("\n    ")}`,
        );
      }
    }
    for (const { code, line } of errors.slice(marks[name].errors)) {
      if (NEVER.includes(code)) found.push(`${name}: ${line}`);
    }
    const state = await readiness(stage, name);
    if (state !== undefined) found.push(`${name} is not ready: ${state}`);
  }
  return found;
}

/** Undefined for a service that is in order; else what is not, after a while. */
async function readiness({ services }: StageSet, name: ServiceName): Promise<string | undefined> {
  const startedAt = performance.now();
  for (;;) {
    const last = await fetch(`${services[name].url()}/health/ready`, {
      signal: AbortSignal.timeout(5_000),
    }).then(
      async (response) => (response.ok ? undefined : await response.text()),
      (error: Error) => String(error.cause ?? error),
    );
    if (last === undefined) return undefined;
    if (performance.now() - startedAt > READY_MS / 2) return last;
    await new Promise((again) => setTimeout(again, 200));
  }
}
