import { createHash } from "node:crypto";
import { type Bundle, loadBundle, type ModelSession, openModel } from "@surety/engine";
import { evaluateRun, outputOf } from "../dispute/evaluate-run.ts";
import type { OwnRun } from "../dispute/own-run.ts";
import { createRecent } from "./recent.ts";
import type { RunSubject } from "./task.ts";

/** Models kept open, and disputed runs kept in memory. */
const OPEN_MODELS = 4;
const KEPT_RUNS = 8;

interface Model {
  readonly bundle: Bundle;
  readonly session: ModelSession;
}

const models = createRecent<Promise<Model>>(OPEN_MODELS, async (model) => {
  const { session } = await model;
  await session.release();
});
const runs = createRecent<Promise<OwnRun>>(KEPT_RUNS);

function modelOf(bundleDir: string): Promise<Model> {
  return models.get(bundleDir, async () => {
    // Reads every byte and checks it against the model's id.
    const bundle = loadBundle(bundleDir);
    return { bundle, session: await openModel(bundle) };
  });
}

/** The output by onnxruntime. */
export async function runOutput({ bundleDir, input }: RunSubject): Promise<Uint8Array> {
  const { session } = await modelOf(bundleDir);
  return Buffer.concat(await session.run(input));
}

/** The disputed run by the program, kept for the moves that follow. */
export function ownRun({ bundleDir, input }: RunSubject): Promise<OwnRun> {
  const key = `${bundleDir} ${createHash("sha256").update(input).digest("hex")}`;
  return runs.get(key, async () => evaluateRun((await modelOf(bundleDir)).bundle, input));
}

/** The output by the program. */
export async function programOutput(subject: RunSubject): Promise<Uint8Array> {
  const { bundle } = await modelOf(subject.bundleDir);
  return outputOf(bundle, await ownRun(subject));
}
