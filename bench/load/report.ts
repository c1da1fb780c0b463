import type { machineFacts } from "../machine.ts";
import type { ChainLoad } from "./chain-load.ts";
import type { QueueLoad } from "./queue-load.ts";

const short = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(2));
const row = (...cells: (string | number)[]) =>
  `| ${cells.map((cell) => (typeof cell === "number" ? short(cell) : cell)).join(" | ")} |`;

export function heading({ cpu, cores, memoryGb, load, node, at }: ReturnType<typeof machineFacts>): string {
  return `${cpu}, ${cores} cores, ${memoryGb} GB, load ${load.toFixed(1)}; Node ${node}; ${at}.\n`;
}

export function queueReport(loads: readonly QueueLoad[]): string {
  return [
    `### Queue and inference: ${loads[0]?.options.requests} requests each`,
    "",
    row(
      "queue",
      "model processes",
      "requests/s",
      "add ms",
      "model ms",
      "to it and back ms",
      "store ms",
      "node CPU ms",
      "models CPU ms",
    ),
    `|${" --- |".repeat(9)}`,
    ...loads.map(({ options, seconds, stages, cpu }) =>
      row(
        ...[options.queueUrl.split(":")[0] as string, String(options.processes), options.requests / seconds],
        ...[stages.add, stages.model, stages.toProcess, stages.store, cpu.node, cpu.models],
      ),
    ),
    "",
  ].join("\n");
}

export function memoryReport({ options, seconds, samples }: QueueLoad): string {
  return [
    `### Memory over ${options.requests} requests`,
    "",
    `${(options.requests / seconds).toFixed(0)} requests/s, queue ${options.queueUrl}, model processes: ${options.processes}.`,
    "",
    row("answered", "node MB", "models MB"),
    "| --- | --- | --- |",
    ...samples.map(({ answered, nodeMb, modelsMb }) =>
      row(String(answered), nodeMb.toFixed(0), modelsMb.toFixed(0)),
    ),
    "",
  ].join("\n");
}

export function chainReport({ requests, seconds, askSeconds, postSeconds, cpu }: ChainLoad): string {
  const parts = Object.entries(cpu).sort(([, a], [, b]) => b - a);
  return [
    `### From the chain to the chain: ${requests} requests`,
    "",
    `${(requests / seconds).toFixed(1)} requests/s posted (asked within ${askSeconds.toFixed(0)} s); from a known answer to its place on the chain ${short(postSeconds)} s.`,
    "",
    row("part", "CPU ms a request"),
    "| --- | --- |",
    ...parts.map(([part, ms]) => row(part, ms)),
    "",
    `The bottleneck is ${parts[0]?.[0]}.`,
    "",
  ].join("\n");
}
