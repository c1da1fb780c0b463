import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadBundle, portableForm } from "../../engine/src/index.ts";
import type { LayerProbe } from "../../engine/src/run/forms/layerProbe.ts";
import { tunedForm } from "../../engine/src/run/forms/tunedForm.ts";
import { answerHash, KNOWN_ANSWERS } from "../../engine/src/run/knownAnswers.ts";
import { KERNEL_VECTORS } from "../../engine/src/run/vectors/index.ts";
import { type Job, writeJobs } from "./jobs.ts";
import { type Cpu, LabIncomplete, openLab } from "./lab.ts";
import { mnist, modelJobs, type OutputRun } from "./modelJobs.ts";

/**
 * `npm run test:cpus [-- bundle...]`: the known-answer vectors of every kernel, the MNIST model and any bundles named, through the shipped
 * onnxruntime on this CPU and on emulated ones. Every byte has to be the same on all of them, and what plain arithmetic gives. Exit code 1 if not, 2 if the
 * emulators cannot be had.
 */

/** Something to compare on every CPU. */
interface Check extends Job {
  /** Row of the table. */
  readonly row: string;
  readonly expected: string;
  /** `may saturate`: int8 weights over 7 bits, which a CPU may get wrong; there, the same graph is run in its portable form. */
  readonly rule: "must hold" | "may saturate";
}

function vectorChecks(): Check[] {
  return KERNEL_VECTORS.flatMap(({ name, op, holds, make }) => {
    const { model, feeds } = make();
    const expected = KNOWN_ANSWERS[name] ?? "unknown";
    if (holds === "every CPU") return [{ name, row: op, model, feeds, expected, rule: "must hold" as const }];
    return [
      { name, row: `${op}, u8 x i8 over 7 bits`, model, feeds, expected, rule: "may saturate" as const },
      {
        name: `${name}, portable form`,
        row: op,
        model: portableForm(model),
        feeds,
        expected,
        rule: "must hold" as const,
      },
    ];
  });
}

async function modelChecks(
  bundleDirs: readonly string[],
): Promise<{ checks: Check[]; outputRuns: OutputRun[] }> {
  const { bundle, samples } = await mnist();
  const models = [
    { name: "MNIST", ...modelJobs("MNIST", bundle, samples) },
    ...bundleDirs.map((dir) => ({ name: dir, ...modelJobs(dir, loadBundle(dir), []) })),
  ];
  // A canonical graph with wide weights is only run where it is exact.
  const checks = models.flatMap(({ name, jobs }) =>
    jobs.map((job): Check => {
      const isSafe = portableForm(job.model) === job.model;
      const row = `model: ${name}${isSafe ? "" : ", u8 x i8 over 7 bits"}`;
      return { ...job, row, rule: isSafe ? "must hold" : "may saturate" };
    }),
  );
  return { checks, outputRuns: models.flatMap(({ outputRuns }) => outputRuns) };
}

/**
 * Runs models in the form that a service chooses on this CPU, by the known answers and by probes of layers that are run there too.
 * @returns what was wrong
 */
async function runTuned(outcome: Outcome, runs: readonly OutputRun[], directory: string): Promise<string[]> {
  const { cpu, answers } = outcome;
  const isExact = async (op: string) =>
    KERNEL_VECTORS.every(
      ({ name, op: own, holds }) =>
        own !== op || holds !== "wide weights" || answers.get(name) === KNOWN_ANSWERS[name],
    );
  const prove = async (probes: readonly LayerProbe[]) => {
    const jobs = probes.flatMap(({ model, runs: probeRuns }, number) =>
      [...probeRuns()].map((feeds, run): Job => ({ name: `${number} ${run}`, model, feeds })),
    );
    rmSync(directory, { recursive: true });
    writeJobs(directory, jobs);
    const given = await runOn(cpu, directory);
    const proven = probes.map(({ answer, bytes }, number) => {
      const expected = answerHash([Buffer.alloc(bytes, answer)]);
      return [...given].every(([name, got]) => !name.startsWith(`${number} `) || got === expected);
    });
    const count = proven.filter(Boolean).length;
    console.log(`${cpu.name}: ${count} of ${probes.length} probed layers keep int8 weights over 7 bits.`);
    return proven;
  };
  const forms = new Map<Uint8Array, Uint8Array>();
  for (const { graph } of runs) {
    if (!forms.has(graph)) forms.set(graph, await tunedForm(graph, { isExact, prove }));
  }
  rmSync(directory, { recursive: true });
  writeJobs(
    directory,
    runs.map(({ name, graph, feeds }) => ({ name, feeds, model: forms.get(graph) as Uint8Array })),
  );
  const given = await runOn(cpu, directory);
  return runs.flatMap(({ name, expected }) => {
    const answer = given.get(name) ?? "no answer";
    return answer === expected ? [] : [`${cpu.name}: ${name}: ${answer}, expected ${expected}`];
  });
}

/** Answers by name. @throws when the process fails */
function runOn({ name, command, args }: Cpu, directory: string): Promise<Map<string, string>> {
  const script = join(import.meta.dirname, "child.cjs");
  const child = spawn(command, [...args, script, directory], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const lines = out
        .trim()
        .split("\n")
        .filter((line) => line !== "");
      if (code !== 0) {
        const last = err.trim().split("\n").at(-1) ?? "";
        reject(new Error(`${name}: ended with ${signal ?? code} after ${lines.length} runs: ${last}`));
        return;
      }
      const answers = lines.map((line) => JSON.parse(line) as { name: string; answer: string });
      resolve(new Map(answers.map(({ name: job, answer }) => [job, answer])));
    });
  });
}

interface Outcome {
  readonly cpu: Cpu;
  readonly answers: Map<string, string>;
}

function cell(checks: readonly Check[], { answers }: Outcome): string {
  const wrong = checks.filter(({ name, expected }) => answers.get(name) !== expected).length;
  if (wrong === 0) return "equal";
  return checks.every(({ rule }) => rule === "may saturate") ? "saturates" : `${wrong} DIFFER`;
}

function printTable(checks: readonly Check[], outcomes: readonly Outcome[]): void {
  const rows = Map.groupBy(checks, ({ row }) => row);
  const lines = [
    ["kernel or model", "runs", ...outcomes.map(({ cpu }) => cpu.name)],
    ...[...rows].map(([row, own]) => [
      row,
      String(own.length),
      ...outcomes.map((outcome) => cell(own, outcome)),
    ]),
  ];
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? "").length)),
  );
  for (const line of lines)
    console.log(
      line
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}

/** What was not as it must be. A model may only saturate where the vectors of its kernels do: they decide which form a service runs. */
function failures(checks: readonly Check[], outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ cpu, answers }) => {
    const isWrong = ({ name, expected }: Check) => answers.get(name) !== expected;
    const forewarned = checks.some(
      (check) => check.name in KNOWN_ANSWERS && check.rule === "may saturate" && isWrong(check),
    );
    return checks.filter(isWrong).flatMap(({ name, expected, rule }) => {
      const answer = answers.get(name) ?? "no answer";
      if (rule === "may saturate" && forewarned && !answer.startsWith("failed")) return [];
      return [`${cpu.name}: ${name}: ${answer}, expected ${expected}`];
    });
  });
}

async function main(bundleDirs: readonly string[]): Promise<number> {
  const cpus = openLab(join(import.meta.dirname, "../../node_modules/.cache/surety-cpus"));
  const models = await modelChecks(bundleDirs);
  const checks = [...vectorChecks(), ...models.checks];
  const directory = mkdtempSync(join(tmpdir(), "surety-cpus-"));
  try {
    writeJobs(directory, checks);
    const outcomes: Outcome[] = [];
    for (const cpu of cpus) outcomes.push({ cpu, answers: await runOn(cpu, directory) });
    printTable(checks, outcomes);
    const failed = failures(checks, outcomes);
    for (const outcome of outcomes) failed.push(...(await runTuned(outcome, models.outputRuns, directory)));
    for (const line of failed) console.log(line);
    const runs = checks.length + models.outputRuns.length;
    console.log(
      failed.length === 0
        ? `${runs} runs on ${cpus.length} CPUs: equal, byte for byte, in every form that is run there.`
        : `${failed.length} of ${runs * cpus.length} runs differ.`,
    );
    return failed.length === 0 ? 0 : 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof LabIncomplete)) throw error;
  console.error(`The CPUs cannot be compared here. ${error.message}`);
  process.exitCode = 2;
}
