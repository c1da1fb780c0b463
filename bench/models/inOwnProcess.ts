import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ModelCase } from "../../test/models/cases.ts";
import type { Phase } from "./phases.ts";

export type PhaseResult =
  | { readonly refused: string }
  | {
      readonly ms: number;
      /** The largest resident size of the process, Node's own included. */
      readonly peakMb: number;
    };

/** Does a phase for a model in a process of its own, so that its peak memory is that of the phase. */
export async function inOwnProcess(phase: Phase, { name }: ModelCase, folder: string): Promise<PhaseResult> {
  const script = join(import.meta.dirname, "child.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [script, phase, name, folder]);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}
