import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { inputsToBytes, modelInputs, readInputs } from "@surety/engine";
import { compileDigits } from "../../cli/src/devnet/digits.ts";
import { createTruth } from "./actors/truth.ts";
import { runSchedule, type ScheduleResult } from "./run-schedule.ts";
import { describeFault, FAULT_KINDS, type FaultKind, IMAGES, planSchedule } from "./schedule/schedule.ts";
import { canSkewClocks } from "./stage/inflict.ts";
import { canMount } from "./stage/small-disk.ts";
import { openStage } from "./stage/stage.ts";

export interface RunFaultsParameters {
  readonly seed: number;
  /** Number of the first schedule. */
  readonly first: number;
  readonly count: number;
  /** Stages that run side by side, each with its own chain and processes. */
  readonly lanes: number;
  /** Kinds of faults to take from. Default: all that can be had here. */
  readonly kinds?: readonly FaultKind[];
  /** Takes one line of the report. */
  readonly say: (line: string) => void;
}

const MNIST = path.join(import.meta.dirname, "../../fixtures/mnist");

/** Runs schedules on so many stages side by side. A stage whose schedule was not clean is closed, and a new one takes its place. */
export async function runFaults(parameters: RunFaultsParameters): Promise<ScheduleResult[]> {
  const { seed, first, count, lanes, say } = parameters;
  const startedAt = performance.now();
  const kinds = usableKinds(parameters.kinds ?? FAULT_KINDS);
  const { bundle } = await compileDigits();
  const specs = modelInputs(new Uint8Array(readFileSync(path.join(MNIST, "mnist-8.onnx"))));
  const images = readInputs(path.join(MNIST, "t10k-images-idx3-ubyte.gz"), specs).slice(0, IMAGES);
  const truth = createTruth(
    bundle,
    images.map((image) => Buffer.concat(inputsToBytes(bundle, image))),
  );
  say(`fault schedules ${first} to ${first + count - 1}: SURETY_FUZZ_SEED=${seed}`);
  const results: ScheduleResult[] = [];
  let next = first;
  async function runLane(): Promise<void> {
    let stage = await openStage(bundle);
    try {
      while (next < first + count) {
        const schedule = planSchedule(seed, next++, kinds);
        const result = await runSchedule(stage, truth, schedule);
        results.push(result);
        say(line(result));
        if (result.violations.length === 0) continue;
        for (const service of Object.values(stage.services)) {
          say(`  ${service.name}:\n    ${service.lastLines().slice(-25).join("\n    ")}`);
        }
        await stage.close();
        stage = await openStage(bundle);
      }
    } finally {
      await stage.close();
    }
  }
  await Promise.all(Array.from({ length: lanes }, runLane));
  for (const sentence of summary(results, seed, (performance.now() - startedAt) / 1_000)) say(sentence);
  return results;
}

function usableKinds(wanted: readonly FaultKind[]): FaultKind[] {
  const folder = mkdtempSync(path.join(tmpdir(), "surety-probe-"));
  const [hasDisk, hasClock] = [canMount(folder), canSkewClocks()];
  rmSync(folder, { recursive: true, force: true });
  return wanted.filter((kind) => (kind !== "disk" || hasDisk) && (kind !== "clock" || hasClock));
}

function line({ schedule, seconds, violations, requests, lies, games }: ScheduleResult): string {
  const { index, seed, faults } = schedule;
  const what = `${requests} requests, ${lies} lies, ${games} games; ${faults.map(describeFault).join("; ")}`;
  const head = `#${index} (${seed}) ${violations.length === 0 ? "clean" : "NOT CLEAN"} in ${seconds.toFixed(1)} s: ${what}`;
  return [head, ...violations.map((violation) => `  ${violation}`)].join("\n");
}

function summary(results: readonly ScheduleResult[], seed: number, seconds: number): string[] {
  const sum = (of: (result: ScheduleResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  const kinds = new Map<string, number>();
  for (const { schedule } of results) {
    for (const { fault } of schedule.faults) kinds.set(fault.kind, (kinds.get(fault.kind) ?? 0) + 1);
  }
  const dirty = results
    .filter(({ violations }) => violations.length > 0)
    .map(({ schedule }) => schedule.index);
  return [
    `${results.length} schedules with ${sum(({ schedule }) => schedule.faults.length)} faults (${[...kinds].map(([kind, n]) => `${kind} ${n}`).join(", ")}), ` +
      `${sum(({ requests }) => requests)} requests, ${sum(({ lies }) => lies)} lies, ${sum(({ games }) => games)} games, in ${Math.round(seconds)} s`,
    dirty.length === 0
      ? `all ${results.length} clean, SURETY_FUZZ_SEED=${seed}`
      : `${dirty.length} NOT CLEAN: ${dirty.join(", ")}; SURETY_FUZZ_SEED=${seed}`,
  ];
}
