import { type Bundle, DTYPES, outputElements, type TensorList } from "@surety/engine";
import { tamperTrace } from "@surety/oracle-node/testing";
import { UsageError } from "@surety/protocol";

/** What the liar changes: one element of one instruction's tensor, only the posted output, or nothing. */
export type Tamper = "none" | "output" | { readonly layer: number; readonly element: number };

export interface Lie {
  /** The trace the liar commits; closing it leaves the honest one open. */
  readonly trace: TensorList;
  /**
   * True when no value of the element shows in the output (a dead activation, a lost maximum): the output was then changed too, since otherwise
   * the answer would be right and nothing would be left to dispute.
   */
  readonly masked: boolean;
}

/**
 * The liar's trace: consistent with itself but for the one lie.
 *
 * @param inputs The request's input tensors.
 * @param honest The honest tensor of every instruction.
 * @throws UsageError TAMPER_INVALID
 */
export function tamperedTrace(
  bundle: Bundle,
  inputs: readonly Uint8Array[],
  honest: TensorList,
  tamper: Tamper,
): Lie {
  const borrowed: TensorList = {
    count: honest.count,
    tensorBytes: (index) => honest.tensorBytes(index),
    close() {},
  };
  if (tamper === "none") return { trace: borrowed, masked: false };
  requireInRange(bundle, tamper);
  const outputs = bundle.header.outputs.map(({ instruction }) => instruction);
  const { instructions, weights } = bundle;
  const trace = tamperTrace({ instructions, weights, outputs }, inputs, borrowed, tamper);
  const shows = outputs.some(
    (output) => Buffer.compare(trace.tensorBytes(output), honest.tensorBytes(output)) !== 0,
  );
  if (shows) return { trace, masked: false };
  // The last output: if the tampered layer comes before it, the walk still finds that layer first.
  const last = Math.max(...outputs);
  const changed = trace.tensorBytes(last).slice();
  changed[0] = (changed[0] ?? 0) ^ 1;
  trace.replace(last, changed);
  return { trace, masked: true };
}

function requireInRange({ instructions }: Bundle, tamper: Exclude<Tamper, "none">): void {
  if (tamper === "output") return;
  const instruction = instructions[tamper.layer];
  if (instruction === undefined) {
    throw new UsageError(
      "TAMPER_INVALID",
      `--tamper layer=${tamper.layer}: the program has the layers 0 to ${instructions.length - 1}.`,
    );
  }
  const elements = outputElements(instruction);
  if (tamper.element >= elements) {
    throw new UsageError(
      "TAMPER_INVALID",
      `--tamper element=${tamper.element}: layer ${tamper.layer} has the elements 0 to ${elements - 1} (${DTYPES[instruction.outDtype].bytes} bytes each).`,
    );
  }
}
