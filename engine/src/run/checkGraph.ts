import { FatalError } from "@surety/protocol";
import type { Bundle } from "./bundle.ts";
import { evaluateProgram } from "./evaluateProgram.ts";
import { probeInputs } from "./probeInputs.ts";
import { type OpenModelParameters, openModel } from "./session.ts";

/**
 * Runs the bundle's graph on onnxruntime and its program on inputs that saturate, and refuses when one byte of one tensor differs. The
 * chain referees the program, onnxruntime answers with the graph: a node that serves a bundle whose two forms differ is slashed for an
 * honest run.
 *
 * Finds a wrong compiler, a wrong onnxruntime and kernels that are not exact on this CPU. It cannot find a graph made to differ on inputs
 * that only its author knows: whoever takes bundles from strangers compiles the model again.
 *
 * @throws FatalError GRAPH_MISMATCH; those of openModel
 */
export async function requireGraphMatches(
  bundle: Bundle,
  parameters: OpenModelParameters = {},
): Promise<void> {
  const session = await openModel(bundle, parameters);
  try {
    for (const [probe, input] of probeInputs(bundle)) {
      const expected = evaluateProgram(bundle, input);
      const outputs = await session.run(input);
      for (const [number, { instruction }] of bundle.header.outputs.entries()) {
        const name = bundle.manifest.outputs[number]?.name ?? `${number}`;
        requireSame(expected.tensorBytes(instruction), outputs[number], `output "${name}"`, probe);
      }
      const trace = await session.trace(input);
      for (const [index, { name }] of bundle.manifest.instructions.entries()) {
        const what = `instruction ${index} (${name})`;
        requireSame(expected.tensorBytes(index), trace.tensorBytes(index), what, probe);
      }
      expected.close();
      trace.close();
    }
  } finally {
    await session.release();
  }
}

function requireSame(
  expected: Uint8Array,
  actual: Uint8Array | undefined,
  what: string,
  probe: string,
): void {
  if (actual !== undefined && Buffer.compare(expected, actual) === 0) return;
  throw new FatalError(
    "GRAPH_MISMATCH",
    `onnxruntime and the program differ in ${what} on ${probe} inputs: answers by this bundle would be slashed. Compile the model again on this machine.`,
  );
}
