import { joinedRoot, splitItems, toHex } from "@surety/engine";
import { errorCode, type ModelHeader } from "@surety/protocol";
import type { AssertionSeen } from "../store/store.ts";
import { equalBytes } from "./equal-bytes.ts";
import type { ChallengerThread, RunSubject } from "./task.ts";

/** What running the request again says about a posted output. */
export type Finding = "right" | "wrong" | "doubtful";

/** One input of a request, and how to tell the output that was posted for it. A single request has one. */
export interface PostedItem {
  readonly subject: RunSubject;
  readonly isPosted: (output: Uint8Array) => boolean;
}

/** What is to be checked of an assertion: of a batch every item. */
export function postedItems(
  { input, output, outputForm }: Pick<AssertionSeen, "input" | "output" | "outputForm">,
  { dir: bundleDir, header }: { readonly dir: string; readonly header: ModelHeader },
): PostedItem[] {
  const sizes = header.outputs.map(({ bytes }) => bytes);
  // A batch's outputs are never posted by their root.
  const outputs = outputForm === "root" ? [output] : splitItems(sizes, output);
  return splitItems(header.inputBytes, input).map((bytes, item) => ({
    subject: { bundleDir, input: bytes },
    isPosted: postedOutput({ output: outputs[item] as Uint8Array, outputForm }, header),
  }));
}

/** The first item whose posted output onnxruntime does not give; undefined when all are right. */
export async function firstDifference(
  thread: Pick<ChallengerThread, "ask">,
  items: readonly PostedItem[],
): Promise<{ readonly item: number; readonly own: Uint8Array } | undefined> {
  for (const [item, { subject, isPosted }] of items.entries()) {
    const own = await thread.ask<"run">({ kind: "run", ...subject });
    if (!isPosted(own)) return { item, own };
  }
  return undefined;
}

/**
 * Runs a request again and compares the bytes. A difference is believed only when the program, evaluated instruction by instruction, gives
 * what onnxruntime gave, and when onnxruntime gives it once more in a fresh session whose kernels and model have just answered rightly what they are known to
 * answer: a faulty machine must not stake a bond on its own fault.
 *
 * INVARIANT: `wrong` only where three runs, by two ways, agree; nothing else is ever bonded on.
 *
 * @throws what the engine throws, but for what says that this machine is wrong: that is a doubt
 */
export async function verifyOutput(
  thread: Pick<ChallengerThread, "ask">,
  items: readonly PostedItem[],
): Promise<Finding> {
  const different = await firstDifference(thread, items);
  if (different === undefined) return "right";
  const { own } = different;
  const { subject } = items[different.item] as PostedItem;
  const byProgram = await thread.ask<"recheck">({ kind: "recheck", ...subject });
  if (!equalBytes(own, byProgram)) return "doubtful";
  try {
    const anew = await thread.ask<"prove">({ kind: "prove", ...subject });
    return equalBytes(own, anew) ? "wrong" : "doubtful";
  } catch (error) {
    if (FAULTS_OF_THIS_MACHINE.has(errorCode(error))) return "doubtful";
    throw error;
  }
}

const FAULTS_OF_THIS_MACHINE: ReadonlySet<string> = new Set([
  "KERNEL_WRONG",
  "GOLDEN_MISMATCH",
  "BUNDLE_CHANGED",
]);

/** Compares outputs with a posted one, which is known by its bytes or by its root. */
export function postedOutput(
  { output, outputForm }: Pick<AssertionSeen, "output" | "outputForm">,
  { outputs }: Pick<ModelHeader, "outputs">,
): (other: Uint8Array) => boolean {
  if (outputForm === "bytes") return (other) => equalBytes(other, output);
  const sizes = outputs.map(({ bytes }) => bytes);
  return (other) => joinedRoot(sizes, other) === toHex(output);
}
