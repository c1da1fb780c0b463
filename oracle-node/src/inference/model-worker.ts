import { evaluateProgram, splitInput } from "@surety/engine";
import { createOpenModels, serveTasks } from "@surety/service/worker";
import { tamperTrace } from "../testing/liar.ts";
import type { Results, Task } from "./task.ts";

/** Runs inside a worker thread: onnxruntime's run blocks its thread. */
const sessionOf = createOpenModels();

serveTasks(async ({ kind, bundleDir, input, fault }: Task): Promise<Results[Task["kind"]]> => {
  const session = await sessionOf(bundleDir);
  if (kind === "run" && fault === undefined) return Buffer.concat(await session.run(input));
  const { bundle } = session;
  // By the program, as the chain would: a difference of onnxruntime that no output shows must not cost the bond.
  const honest = evaluateProgram(bundle, input);
  const outputs = bundle.header.outputs.map(({ instruction }) => instruction);
  const inputs = splitInput(bundle.header.inputBytes, input);
  const model = { instructions: bundle.instructions, weights: bundle.weights, outputs };
  const trace = fault === undefined ? honest : tamperTrace(model, inputs, honest, fault);
  return kind === "trace" ? trace : Buffer.concat(outputs.map((index) => trace[index] as Uint8Array));
});
