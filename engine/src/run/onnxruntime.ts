import type { InferenceSession } from "onnxruntime-node";
import { runnableForm } from "./kernelForms.ts";
import { isExactForAllWeights } from "./knownAnswers.ts";
import { createRawSession, type SessionParameters } from "./rawSession.ts";

export {
  asGraphInputs,
  fromOrt,
  missingName,
  ONNXRUNTIME_VERSION,
  runSession,
  type SessionParameters,
  toOrt,
  withoutNaN,
} from "./rawSession.ts";

/**
 * Opens a graph of the exact profile in the fastest form that is exact on this CPU; with `optimisation: "fast"` any graph as it stands.
 * @throws FatalError RUNTIME_VERSION; ONNX_REFUSED when onnxruntime does not accept the model; KERNEL_FORM, KERNEL_WRONG
 */
export async function createSession(
  model: Uint8Array,
  parameters: SessionParameters = {},
): Promise<InferenceSession> {
  const isExact = (parameters.optimisation ?? "exact") === "exact";
  const form = isExact ? await runnableForm(model, isExactForAllWeights) : model;
  return createRawSession(form, parameters);
}
