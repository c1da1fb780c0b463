import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Absent, type Benchmark } from "./benchmark.ts";
import { BENCHMARKS } from "./benchmarks/index.ts";
import { runLoad } from "./load/main.ts";
import { machineFacts } from "./machine.ts";
import { measure } from "./measure.ts";
import { type Result, toChart, toMarkdown } from "./report.ts";

const USAGE = `npm run bench -- [name...] [--list] [--rounds 15] [--out DIR]
npm run bench -- load --help

Runs the named benchmarks, or all; prints Markdown, and with --out writes DIR/NAME.json, DIR/NAME.md and, drawn, DIR/NAME.svg.`;

/** @returns undefined when it cannot run here; said on standard error */
async function runBenchmark(
  { name, about, prepare }: Benchmark,
  rounds: number,
): Promise<Result | undefined> {
  try {
    const { contests, facts = [], release } = await prepare();
    try {
      const machine = machineFacts();
      const measured: Result["contests"][number][] = [];
      for (const contest of contests) measured.push(await measure(contest, rounds));
      return { benchmark: name, about, machine, facts, contests: measured };
    } finally {
      await release();
    }
  } catch (error) {
    if (!(error instanceof Absent)) throw error;
    console.error(`skipped ${name}: ${error.message}`);
    return undefined;
  }
}

async function main(): Promise<void> {
  const [first, ...rest] = process.argv.slice(2);
  if (first === "load") return runLoad(rest);
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      list: { type: "boolean", default: false },
      rounds: { type: "string", default: "15" },
      out: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  if (values.list) return console.log(BENCHMARKS.map(({ name, about }) => `${name}\n  ${about}`).join("\n"));
  const rounds = Number(values.rounds);
  const unknown = positionals.filter((name) => !BENCHMARKS.some((benchmark) => benchmark.name === name));
  if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
    console.error(unknown.length > 0 ? `There is no benchmark ${unknown.join(", ")}.\n${USAGE}` : USAGE);
    process.exitCode = 2;
    return;
  }
  for (const benchmark of BENCHMARKS) {
    if (positionals.length > 0 && !positionals.includes(benchmark.name)) continue;
    const result = await runBenchmark(benchmark, rounds);
    if (result === undefined) continue;
    const markdown = toMarkdown(result);
    console.log(markdown);
    if (values.out === undefined) continue;
    mkdirSync(values.out, { recursive: true });
    writeFileSync(join(values.out, `${benchmark.name}.json`), `${JSON.stringify(result, null, 2)}\n`);
    writeFileSync(join(values.out, `${benchmark.name}.md`), markdown);
    writeFileSync(join(values.out, `${benchmark.name}.svg`), toChart(result));
  }
}

await main();
