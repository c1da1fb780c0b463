import { assertNever, errorCode } from "@surety/protocol";
import { checkModel } from "../../compile/checkModel.ts";
import { encodeGraph } from "../../onnx/encodeGraph.ts";
import { foldConstants } from "../../onnx/foldConstants.ts";
import { type ImportOptions, importModel } from "../../onnx/import.ts";
import { ELEMENT_TYPES, elementCount, type HostTensor, type TensorData } from "../../onnx/tensor.ts";
import { loadBundle } from "../bundle.ts";
import { requireGraphMatches } from "../checkGraph.ts";
import { createRawSession, runSession } from "../rawSession.ts";
import type { VettingReply, VettingResults, VettingTask } from "./task.ts";

/** The child process of `inChild`: what a model breaks here, it breaks for nobody else. */
process.once("message", async (task: VettingTask) => {
  const reply = (message: VettingReply) =>
    process.send?.(message, undefined, undefined, () => process.disconnect());
  try {
    reply({ ok: true, value: await perform(task) });
  } catch (error) {
    reply({
      ok: false,
      code: errorCode(error),
      message: error instanceof Error ? error.message : String(error),
    });
  }
});
// Without its parent nobody wants the answer.
process.once("disconnect", () => process.exit());

async function perform(task: VettingTask): Promise<VettingResults[VettingTask["kind"]]> {
  switch (task.kind) {
    case "load":
      return load(task.model, task.options);
    case "report":
      return checkModel(task.model, task.options);
    case "bundle":
      await requireGraphMatches(loadBundle(task.directory));
      return undefined;
    default:
      return assertNever(task);
  }
}

async function load(model: Uint8Array, options: ImportOptions): Promise<undefined> {
  const imported = importModel(model, options);
  await foldConstants(imported);
  const feeds: Record<string, HostTensor> = {};
  for (const { name, type, dims } of imported.inputs) {
    const sizes = (dims ?? []).filter((size) => typeof size === "number");
    // Shapes that are not fixed are for the compiler to refuse.
    if (!dims || sizes.length !== dims.length) return undefined;
    const count = elementCount(sizes, `Input "${name}"`);
    feeds[name] = { type, dims: sizes, data: new ELEMENT_TYPES[type].array(count) as TensorData };
  }
  for (const optimisation of ["exact", "fast"] as const) {
    try {
      const session = await createRawSession(encodeGraph(imported), { optimisation, intraOpNumThreads: 1 });
      await runSession(session, feeds).finally(() => session.release());
    } catch {
      // An error is no crash: the compiler names what it does not take, and zeros may be no input that the model is made for.
    }
  }
  return undefined;
}
