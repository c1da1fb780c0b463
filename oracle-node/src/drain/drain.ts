import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "@surety/service";
import type { Store } from "../store/store.ts";

export interface DrainState {
  readonly draining: boolean;
  /** Nothing is open any more: the process may be ended without any loss. */
  readonly drained: boolean;
  /** Own answers that are neither final nor refuted. */
  readonly openAssertions: number;
  readonly openGames: number;
}

/** Lets a node run dry: it answers nothing new, and goes on to defend and to finish what it has answered. */
export interface Drain {
  /** @param stop End the process once nothing is open. */
  start(stop: boolean): void;
  /** Takes up work again. */
  cancel(): void;
  isOn(): boolean;
  state(): DrainState;
  /** Does a job that makes something new, unless the node drains; what is under way keeps it from being drained. */
  unlessOn(job: () => Promise<void>): Promise<void>;
  /** Looks whether nothing is open any more; meant to be called at every look at the chain's head. */
  look(): void;
  /** Resolves when the node was told to stop once drained, and is. */
  readonly ended: Promise<void>;
}

export interface DrainParameters {
  readonly dataDir: string;
  readonly store: Pick<Store, "openAssertions" | "openGames">;
  readonly log: Logger;
  /** Whether the store is at the chain's head: before, something open may not be seen yet. */
  readonly caughtUp: () => boolean;
  /** Told when draining begins or ends. */
  readonly onChange: (draining: boolean) => void;
}

/** Time for those who ask to hear that it is drained. */
const FAREWELL_MS = 3_000;

/** A drain outlives the process: one that ends half-way goes on where it was. */
export function createDrain(parameters: DrainParameters): Drain {
  const { dataDir, store, log, caughtUp, onChange } = parameters;
  const file = join(dataDir, "draining.json");
  let on = existsSync(file);
  let stop = on && (JSON.parse(readFileSync(file, "utf8")) as { stop: boolean }).stop;
  let under = 0;
  let wasDrained = false;
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  onChange(on);
  if (on) log.info({ stop }, "draining goes on");

  function state(): DrainState {
    const openAssertions = store.openAssertions().length;
    const openGames = store.openGames().length;
    const drained = on && caughtUp() && under === 0 && openAssertions === 0 && openGames === 0;
    return { draining: on, drained, openAssertions, openGames };
  }

  return {
    start(thenStop) {
      on = true;
      stop = thenStop;
      writeFileSync(file, JSON.stringify({ stop }));
      log.info({ stop }, "draining");
      onChange(true);
    },
    cancel() {
      on = false;
      stop = false;
      wasDrained = false;
      rmSync(file, { force: true });
      log.info("draining cancelled");
      onChange(false);
    },
    isOn: () => on,
    state,
    async unlessOn(job) {
      if (on) return;
      under += 1;
      try {
        await job();
      } finally {
        under -= 1;
      }
    },
    look() {
      if (!on || wasDrained || !state().drained) return;
      wasDrained = true;
      log.info("drained: nothing is open");
      if (!stop) return;
      // Whoever starts the node again wants it to work.
      rmSync(file, { force: true });
      setTimeout(end, FAREWELL_MS).unref();
    },
    ended,
  };
}
