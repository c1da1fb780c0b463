import { createHash } from "node:crypto";
import { type Bundle, CommittedTrace, evaluateProgram, splitInput, splitItems } from "@surety/engine";
import { createOpenModels, createRecent } from "@surety/service/worker";
import { tamperTrace } from "../testing/liar.ts";
import { faultOfItem, type RunSubject } from "./task.ts";

/** Traces of disputed answers kept, their tensors on disk. */
const KEPT_RUNS = 8;

export interface PostedRun {
  readonly bundle: Bundle;
  readonly trace: CommittedTrace;
}

/** Of a model by its bundle. */
export const sessionOf = createOpenModels();
const runs = createRecent<Promise<PostedRun>>(KEPT_RUNS, async (run) => (await run).trace.close());

/** The outputs of all items of a request, one after the other. A lie is told about the last. */
export async function runOutput({ bundleDir, input, fault }: RunSubject): Promise<Uint8Array> {
  const { bundle } = await sessionOf(bundleDir);
  const items = splitItems(bundle.header.inputBytes, input);
  const outputs: Uint8Array[] = [];
  for (const [item, bytes] of items.entries()) {
    outputs.push(
      await itemOutput({ bundleDir, input: bytes, fault: faultOfItem(fault, item, items.length) }),
    );
  }
  return Buffer.concat(outputs);
}

/** The output by onnxruntime; a lie's by the program. */
async function itemOutput(subject: RunSubject): Promise<Uint8Array> {
  if (subject.fault === undefined) {
    const session = await sessionOf(subject.bundleDir);
    return Buffer.concat(await session.run(subject.input));
  }
  const { bundle, trace } = await postedRun(subject);
  return Buffer.concat(outputInstructions(bundle).map((index) => trace.tensorBytes(index)));
}

/**
 * The trace behind an answer, kept for the moves that follow. By the program, as the chain would: a difference of onnxruntime that no output shows must not
 * cost the bond.
 */
export function postedRun({ bundleDir, input, fault }: RunSubject): Promise<PostedRun> {
  const key = `${bundleDir} ${createHash("sha256").update(input).digest("hex")} ${JSON.stringify(fault)}`;
  return runs.get(key, async () => {
    const { bundle } = await sessionOf(bundleDir);
    const honest = evaluateProgram(bundle, input);
    if (fault === undefined) return { bundle, trace: new CommittedTrace(honest) };
    const { instructions, weights } = bundle;
    const model = { instructions, weights, outputs: outputInstructions(bundle) };
    const inputs = splitInput(bundle.header.inputBytes, input);
    return { bundle, trace: new CommittedTrace(tamperTrace(model, inputs, honest, fault)) };
  });
}

/** Instruction of each output, in the model's order. */
export function outputInstructions({ header }: Bundle): number[] {
  return header.outputs.map(({ instruction }) => instruction);
}
