import { readdirSync, readFileSync } from "node:fs";
import { residentBytes } from "@surety/engine";

/** What a process has used so far; Linux only. */
export interface Usage {
  readonly pid: number;
  /** Name of the program, as in `anvil`. */
  readonly program: string;
  /** Processor time of all its threads, in milliseconds. */
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** Of Linux: what /proc counts processor time in. */
const TICK_MS = 10;

/** A process and all that it started, itself first. */
export function usageOf(pid: number): Usage[] {
  const all = new Map<number, { readonly parent: number; readonly usage: Usage }>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const read = readStat(Number(name));
    if (read !== undefined) all.set(Number(name), read);
  }
  const found: Usage[] = [];
  const add = (root: number) => {
    const own = all.get(root)?.usage;
    if (own !== undefined) found.push(own);
    for (const [child, { parent }] of all) if (parent === root) add(child);
  };
  add(pid);
  return found;
}

function readStat(pid: number): { readonly parent: number; readonly usage: Usage } | undefined {
  try {
    const [, program = "", rest = ""] =
      /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    const fields = rest.split(" ");
    const cpuMs = (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    return { parent: Number(fields[1]), usage: { pid, program, cpuMs, residentBytes: residentBytes(pid) } };
  } catch {
    return undefined; // It ended meanwhile.
  }
}
