import { createHash } from "node:crypto";
import {
  CommittedTrace,
  loadBundle,
  openModel,
  outputBytes,
  requireGolden,
  requireKernels,
  toHex,
} from "@surety/engine";
import { createOpenModels, createRecent } from "@surety/service/worker";
import type { Hex } from "viem";
import { evaluateRun, outputOf } from "../dispute/evaluate-run.ts";
import type { OwnRun } from "../dispute/own-run.ts";
import type { OpenedModel, RunSubject } from "./task.ts";

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

/**
 * The output by onnxruntime once more, with nothing kept from before: the bundle is read and hashed anew, the kernels give their known answers and the model its
 * golden vector again, in a session of its own.
 *
 * @throws FatalError BUNDLE_CHANGED, KERNEL_WRONG, GOLDEN_MISMATCH and what a run throws
 */
export async function proveOutput({ bundleDir, input }: RunSubject): Promise<Uint8Array> {
  const bundle = loadBundle(bundleDir);
  await requireKernels(bundle.graph, true);
  const session = await openModel(bundle);
  try {
    await requireGolden(session);
    return Buffer.concat(await session.run(input));
  } finally {
    await session.release();
  }
}

/** The root of the trace, by onnxruntime: every tensor is hashed, none is kept. */
export async function traceRootOf({ bundleDir, input }: RunSubject): Promise<Hex> {
  const session = await sessionOf(bundleDir);
  const tensors = await session.trace(input);
  try {
    return toHex(new CommittedTrace(tensors).root);
  } finally {
    tensors.close();
  }
}

/** Makes sure that a model can be run and is right on this machine. */
export async function openedModel(bundleDir: string): Promise<OpenedModel> {
  const { bundle } = await sessionOf(bundleDir);
  return { largestTensorBytes: Math.max(0, ...bundle.instructions.map(outputBytes)) };
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
