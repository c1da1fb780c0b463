import { FatalError } from "@surety/protocol";
import { MODEL_CASES, type ModelCase } from "../../test/models/cases.ts";
import type { PhaseResult } from "./inOwnProcess.ts";
import { PHASES, type Phase } from "./phases.ts";

const [, , phase, name, folder = ""] = process.argv;

async function result(): Promise<PhaseResult> {
  const model = MODEL_CASES.find((candidate) => candidate.name === name) as ModelCase;
  const start = performance.now();
  try {
    await PHASES[phase as Phase](model, folder);
  } catch (error) {
    if (error instanceof FatalError) return { refused: `${error.code}: ${error.message}` };
    throw error;
  }
  // In kilobytes on every system: libuv converts.
  return { ms: performance.now() - start, peakMb: process.resourceUsage().maxRSS / 1024 };
}

console.log(JSON.stringify(await result()));
