import type { InferenceSession } from "onnxruntime-node";
import { blockedForm } from "./forms/blockedForm.ts";
import { blockSize } from "./forms/blockSize.ts";
import { leanForm } from "./forms/leanForm.ts";
import { proveLayers } from "./forms/proveLayers.ts";
import { tunedForm } from "./forms/tunedForm.ts";
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

/**
 * Opens a graph of the exact profile that will run often: like `createSession`, but with the kernels' form decided layer by layer, which takes up to a second for
 * weights over 7 bits on a CPU that saturates on some, and with images in the layout of the CPU's fastest kernels, which takes a run on zeros to find out.
 * @throws FatalError RUNTIME_VERSION, ONNX_REFUSED, KERNEL_FORM
 */
export async function createTunedSession(
  model: Uint8Array,
  parameters: SessionParameters = {},
): Promise<InferenceSession> {
  const form = await tunedForm(model, { isExact: isExactForAllWeights, prove: proveLayers });
  return createRawSession(await blockedForm(leanForm(form), blockSize), parameters);
}
