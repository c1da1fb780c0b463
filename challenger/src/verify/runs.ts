import { createHash } from "node:crypto";
import { createOpenModels, createRecent } from "@surety/service/worker";
import { evaluateRun, outputOf } from "../dispute/evaluate-run.ts";
import type { OwnRun } from "../dispute/own-run.ts";
import type { RunSubject } from "./task.ts";

/** Disputed runs kept, their tensors on disk. */
const KEPT_RUNS = 8;

/** Of a model by its bundle. */
export const sessionOf = createOpenModels();
const runs = createRecent<Promise<OwnRun>>(KEPT_RUNS, async (run) => (await run).trace.close());

/** The output by onnxruntime. */
export async function runOutput({ bundleDir, input }: RunSubject): Promise<Uint8Array> {
  const session = await sessionOf(bundleDir);
  return Buffer.concat(await session.run(input));
}

/** The disputed run by the program, kept for the moves that follow. */
export function ownRun({ bundleDir, input }: RunSubject): Promise<OwnRun> {
  const key = `${bundleDir} ${createHash("sha256").update(input).digest("hex")}`;
  return runs.get(key, async () => evaluateRun((await sessionOf(bundleDir)).bundle, input));
}

/** The output by the program. */
export async function programOutput(subject: RunSubject): Promise<Uint8Array> {
  const { bundle } = await sessionOf(subject.bundleDir);
  return outputOf(bundle, await ownRun(subject));
}
