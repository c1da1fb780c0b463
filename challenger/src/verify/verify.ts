import { equalBytes } from "./equal-bytes.ts";
import type { ChallengerThread, RunSubject } from "./task.ts";

/** What running the request again says about a posted output. */
export type Finding = "right" | "wrong" | "doubtful";

/**
 * Runs a request again and compares the bytes. A difference is believed only when the program, evaluated instruction by instruction, gives
 * what onnxruntime gave: a faulty machine must not stake a bond on its own fault.
 *
 * @throws what the engine throws
 */
export async function verifyOutput(
  thread: ChallengerThread,
  subject: RunSubject,
  posted: Uint8Array,
): Promise<Finding> {
  const own = await thread.ask<"run">({ kind: "run", ...subject });
  if (equalBytes(own, posted)) return "right";
  const again = await thread.ask<"recheck">({ kind: "recheck", ...subject });
  return equalBytes(own, again) ? "wrong" : "doubtful";
}
