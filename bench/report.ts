import * as Plot from "@observablehq/plot";
import { toSvg } from "@surety/cli/charts";
import type { Fact } from "./benchmark.ts";
import type { MachineFacts } from "./machine.ts";
import type { MeasuredContest } from "./measure.ts";
import type { Spread } from "./statistics.ts";

/** The outcome of one benchmark, as it is written to a file. */
export interface Result {
  readonly benchmark: string;
  readonly about: string;
  readonly machine: MachineFacts;
  readonly facts: readonly Fact[];
  readonly contests: readonly MeasuredContest[];
}

/** A result as a page of Markdown. */
export function toMarkdown({ benchmark, about, machine, facts, contests }: Result): string {
  const { cpu, architecture, cores, memoryGb, load, node, onnxruntime, at } = machine;
  return [
    `## ${benchmark}`,
    about,
    "",
    `${cpu}, ${architecture}, ${cores} cores, ${memoryGb} GB, load ${load.toFixed(2)}; Node ${node}, onnxruntime ${onnxruntime}; ${at}.`,
    "Medians, and in brackets the quartiles; the ratio is to the first line, round by round.",
    ...factsTable(facts),
    ...contests.flatMap((contest) => [
      "",
      `### ${contest.name} (${contest.rounds} rounds)`,
      ...table(contest),
    ]),
    "",
  ].join("\n");
}

const CHART_WIDTH = 900;

/** Every contest's sides as bars of their ratio to the first, with the quartiles. */
export function toChart({ benchmark, machine, contests }: Result): string {
  const plots = contests.map(({ name, sides }): Plot.PlotOptions => {
    const bars = sides.map((side) => ({ side: side.name, ...side.ratio, ms: side.ms.median }));
    return {
      ...{
        width: CHART_WIDTH,
        height: 70 + 34 * bars.length,
        marginLeft: 260,
        marginTop: 34,
        marginBottom: 34,
      },
      x: { label: `${name}: time against the first line`, grid: true, zero: true },
      y: { label: null, domain: bars.map(({ side }) => side) },
      marks: [
        Plot.barX(bars, {
          ...{ x: "median", y: "side", fill: "#2a6fb0" },
          title: ({ side, median, low, high, ms }: (typeof bars)[number]) =>
            `${side}: ${short(median)} [${short(low)}, ${short(high)}], ${short(ms)} ms`,
        }),
        Plot.ruleY(bars, { x1: "low", x2: "high", y: "side", stroke: "#0b2239", strokeWidth: 3 }),
        Plot.ruleX([1]),
      ],
    };
  });
  return toSvg(`${benchmark} (${machine.cpu})`, plots);
}

function factsTable(facts: readonly Fact[]): string[] {
  if (facts.length === 0) return [];
  const rows = facts.map(({ name, value, unit }) => `| ${name} | ${short(value)} ${unit} |`);
  return ["", "| once | |", "| --- | --- |", ...rows];
}

function table({ sides, unit }: MeasuredContest): string[] {
  const rate = (value: number | null) => (value === null ? "" : value.toFixed(value < 100 ? 1 : 0));
  return [
    `| side | ms | processor ms | ratio | ${unit ?? ""} |`,
    "| --- | --- | --- | --- | --- |",
    ...sides.map(
      (side) =>
        `| ${side.name} | ${spread(side.ms)} | ${spread(side.cpuMs)} | ${spread(side.ratio)} | ${rate(side.rate)} |`,
    ),
  ];
}

function spread({ median, low, high }: Spread): string {
  return `${short(median)} [${short(low)}, ${short(high)}]`;
}

/** Three digits or all before the point. */
function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
