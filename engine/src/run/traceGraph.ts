import { appendToModel, type NodeProto, type TensorProto } from "../onnx/proto.ts";
import { i64Tensor, tensorToProto } from "../onnx/tensor.ts";
import type { Bundle } from "./bundle.ts";

/** Name of an instruction's tensor among the outputs of the trace graph. */
export function traceName(instruction: number): string {
  return `surety.trace.${instruction}`;
}

/** The exact graph with every instruction's tensor as an output, in the layout the program commits. */
export function traceGraph(bundle: Bundle): Uint8Array {
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const outputs: { name: string }[] = [];
  bundle.manifest.instructions.forEach(({ source }, index) => {
    if (!source) return;
    const output = traceName(index);
    outputs.push({ name: output });
    const inOrder = source.permutation.every((axis, k) => axis === k);
    if (inOrder) {
      nodes.push({ opType: "Identity", name: output, input: [source.tensor], output: [output] });
      return;
    }
    const shape = `${output}.shape`;
    const reshaped = `${output}.reshaped`;
    initializers.push(tensorToProto(i64Tensor(source.shape), shape));
    nodes.push(
      { opType: "Reshape", name: reshaped, input: [source.tensor, shape], output: [reshaped] },
      {
        opType: "Transpose",
        name: output,
        input: [reshaped],
        output: [output],
        attribute: [{ name: "perm", type: 7, ints: [...source.permutation] }],
      },
    );
  });
  return appendToModel(bundle.graph, { node: nodes, initializer: initializers, output: outputs });
}
