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
