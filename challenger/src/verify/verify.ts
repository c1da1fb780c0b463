import { joinedRoot, toHex } from "@surety/engine";
import type { ModelHeader } from "@surety/protocol";
import type { AssertionSeen } from "../store/store.ts";
import { equalBytes } from "./equal-bytes.ts";
import type { ChallengerThread, RunSubject } from "./task.ts";

/** What running the request again says about a posted output. */
export type Finding = "right" | "wrong" | "doubtful";

/**
 * Runs a request again and compares the bytes. A difference is believed only when the program, evaluated instruction by instruction, gives
 * what onnxruntime gave: a faulty machine must not stake a bond on its own fault.
 *
 * @param isPosted Whether an output is the posted one.
 * @throws what the engine throws
 */
export async function verifyOutput(
  thread: ChallengerThread,
  subject: RunSubject,
  isPosted: (output: Uint8Array) => boolean,
): Promise<Finding> {
  const own = await thread.ask<"run">({ kind: "run", ...subject });
  if (isPosted(own)) return "right";
  const again = await thread.ask<"recheck">({ kind: "recheck", ...subject });
  return equalBytes(own, again) ? "wrong" : "doubtful";
}

/** Compares outputs with a posted one, which is known by its bytes or by its root. */
export function postedOutput(
  { output, outputForm }: Pick<AssertionSeen, "output" | "outputForm">,
  { outputs }: Pick<ModelHeader, "outputs">,
): (other: Uint8Array) => boolean {
  if (outputForm === "bytes") return (other) => equalBytes(other, output);
  const sizes = outputs.map(({ bytes }) => bytes);
  return (other) => joinedRoot(sizes, other) === toHex(output);
}
