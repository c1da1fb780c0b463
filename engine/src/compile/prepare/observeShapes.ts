import { FatalError } from "@surety/protocol";
import type { Graph } from "../../onnx/graph.ts";
import { ELEMENT_TYPES, elementCount, type HostTensor, type TensorData } from "../../onnx/tensor.ts";
import { FloatRun } from "../floatRun.ts";
import type { ValueType } from "./rewrite.ts";

/** An input is read from one file and held at once; the sizes a file declares cost nothing to write. */
const MAX_INPUT_ELEMENTS = 2 ** 27;

/**
 * Runs the graph once on zeros and records every value's type and sizes, and the values that sizes alone decide (what is computed from
 * constants, Shape and Size). Input sizes must be fixed.
 *
 * @throws FatalError ONNX_SHAPE for inputs of over 2^27 elements; ONNX_REFUSED; ONNX_RUN when the model fails on zeros
 */
export async function observeShapes(
  graph: Graph,
): Promise<{ types: Map<string, ValueType>; fixed: Map<string, HostTensor> }> {
  const feeds: Record<string, HostTensor> = {};
  const types = new Map<string, ValueType>();
  for (const { name, type, dims } of graph.inputs) {
    const sizes = (dims ?? []) as number[];
    const count = elementCount(sizes, `Input "${name}"`);
    if (count > MAX_INPUT_ELEMENTS) {
      throw new FatalError(
        "ONNX_SHAPE",
        `Input "${name}" is [${sizes}], ${count} elements; at most ${MAX_INPUT_ELEMENTS} are taken.`,
      );
    }
    const data = new ELEMENT_TYPES[type].array(count) as TensorData;
    feeds[name] = { type, dims: sizes, data };
    types.set(name, { type, dims: sizes });
  }
  const decided = decidedBySizes(graph);
  const fixed = new Map<string, HostTensor>();
  const run = new FloatRun(graph);
  try {
    await run.run(feeds, (name, value) => {
      types.set(name, { type: value.type, dims: value.dims });
      if (decided.has(name)) fixed.set(name, value);
    });
    return { types, fixed };
  } catch (cause) {
    if (cause instanceof FatalError) throw cause;
    const reason = (cause as Error).message.split("\n")[0];
    throw new FatalError("ONNX_RUN", `The model fails on an input of zeros: ${reason}`, { cause });
  } finally {
    await run.release();
  }
}

/** The values that nothing but sizes and constants decides: they are the same for every input. */
export function decidedBySizes(graph: Graph): Set<string> {
  const decided = new Set<string>();
  for (const node of graph.nodes) {
    const isShape = node.domain === "" && (node.op === "Shape" || node.op === "Size");
    const isRandom = node.op.startsWith("Random") || node.op === "Bernoulli" || node.op === "Multinomial";
    const fromDecided = node.inputs.every(
      (name) => name === "" || decided.has(name) || graph.initializers.has(name),
    );
    if (isShape || (fromDecided && !isRandom))
      for (const output of node.outputs) if (output !== "") decided.add(output);
  }
  return decided;
}
