import { setTimeout } from "node:timers/promises";
import type { Contest, Side } from "./benchmark.ts";
import { type Spread, spreadOf } from "./statistics.ts";

export interface MeasuredSide {
  readonly name: string;
  /** Wall-clock time of one run, in milliseconds. */
  readonly ms: Spread;
  /** Processor time of one run, of all threads of this process, in milliseconds: what stays the same when other processes want the cores too. */
  readonly cpuMs: Spread;
  /** Wall-clock time over that of the first side in the same round: of the two, what other processes took from one they mostly took from the other. */
  readonly ratio: Spread;
  /** Work a second, at the median. */
  readonly rate: number | null;
}

export interface MeasuredContest {
  readonly name: string;
  readonly unit: string | null;
  readonly rounds: number;
  readonly sides: readonly MeasuredSide[];
}

/** Each side runs so long before it is measured: compilers have then seen it. */
const WARM_UP_MS = 500;

/**
 * Runs all sides of a contest in turns, each once a round and every round beginning with another, so that what slows the machine down slows all of them.
 *
 * @param warmUpMs Default: 500.
 */
export async function measure(
  { name, sides, work, repeats = 1, restMs = 0 }: Contest,
  rounds: number,
  warmUpMs = WARM_UP_MS,
): Promise<MeasuredContest> {
  for (const side of sides) {
    const until = performance.now() + warmUpMs;
    do await side.run();
    while (performance.now() < until);
  }
  const runs = sides.map((): { ms: number[]; cpuMs: number[] } => ({ ms: [], cpuMs: [] }));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < sides.length; turn++) {
      const number = (round + turn) % sides.length;
      const side = sides[number] as Side;
      if (restMs > 0) {
        await setTimeout(restMs);
        await side.run();
      }
      const { ms, cpuMs } = await timed(side, repeats);
      runs[number]?.ms.push(ms);
      runs[number]?.cpuMs.push(cpuMs);
    }
  }
  const base = runs[0]?.ms ?? [];
  return {
    name,
    unit: work === undefined ? null : `${work.unit}/s`,
    rounds,
    sides: sides.map((side, number) => {
      const { ms = [], cpuMs = [] } = runs[number] ?? {};
      const spread = spreadOf(ms);
      return {
        name: side.name,
        ms: spread,
        cpuMs: spreadOf(cpuMs),
        ratio: spreadOf(ms.map((time, round) => time / (base[round] ?? Number.NaN))),
        rate: work === undefined ? null : (work.amount / spread.median) * 1000,
      };
    }),
  };
}

async function timed({ run }: Side, repeats: number): Promise<{ ms: number; cpuMs: number }> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let k = 0; k < repeats; k++) await run();
  const ms = (performance.now() - start) / repeats;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpuMs: (user + system) / 1000 / repeats };
}
