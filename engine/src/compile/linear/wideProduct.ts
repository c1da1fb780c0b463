import type { GraphNode } from "../../onnx/graph.ts";
import type { HostTensor } from "../../onnx/tensor.ts";
import type { Absorbed } from "../absorb.ts";
import { Expression } from "../expression.ts";
import type { Lowering } from "../lowering.ts";
import { integerProduct } from "./activationProduct.ts";
import { matrixLoops } from "./matrixLoops.ts";
import type { Rung } from "./rung.ts";
import { meanSquare, wideActivation, wideRange } from "./wideActivation.ts";
import { emitSum, type PartialDot } from "./wideSum.ts";
import { balancedLayer, finestLayer, type RealLayer } from "./wideWeights.ts";

interface WideProduct {
  readonly lowering: Lowering;
  readonly node: GraphNode;
  readonly rung: Rung;
  /** Weights [N, K]. */
  readonly layer: RealLayer;
  readonly columns: number;
  readonly followers: Absorbed;
}

/**
 * A product of an activation by a constant matrix on rung 2 or 3. In the program: a `dot` per pair of planes, and one instruction that adds them up. In the
 * exact graph: one MatMul, in f32 where no sum leaves 2^24, else in f64.
 */
export function emitWideProduct({
  lowering,
  node,
  rung,
  layer: real,
  columns,
  followers,
}: WideProduct): void {
  const name = node.inputs[0] ?? "";
  const range = wideRange(lowering, name);
  const layer =
    (rung === 2 ? balancedLayer(real, range, meanSquare(lowering.statistics(name))) : undefined) ??
    finestLayer(real, range);
  const form = { most: layer.most, scale: layer.step, inPlanes: false, layout: "as-first" } as const;
  const activation = wideActivation(lowering, name, form);
  const dots = activation.planes.flatMap((plane) =>
    layer.planes.map((weights): PartialDot => {
      const role = `${node.name}: dot ${plane.weight}x${weights.weight}`;
      const loops = matrixLoops(plane.view, columns);
      const matrix = lowering.program.addWeight(`${node.name}/matrix`, "i8", loops.reversed(weights.values));
      const expression = new Expression();
      expression.acc();
      const index = lowering.program.add(role, null, {
        accumulate: "dot",
        outDtype: "i32",
        outDims: loops.outDims,
        reduceDims: loops.reduceDims,
        aZero: plane.zero,
        operands: [loops.activation(plane.view), loops.matrix(matrix, "i8")],
        expression: expression.operations,
      });
      const weight = plane.weight * weights.weight;
      return { tensor: undefined, view: loops.result(index, "i32"), weight };
    }),
  );
  const value = emitSum({
    lowering,
    name: node.name,
    output: followers.output,
    dims: lowering.dims(followers.output),
    dots,
    sum: integerProduct(
      lowering,
      activation.tensor,
      columnsOf(layer.weights, columns),
      layer.bound,
      layer.biases,
    ),
    biases: { type: "i32", dims: [columns], data: layer.biases },
    scales: { type: "f32", dims: [columns], data: layer.scales },
    relu: followers.relu,
    layout: "row-major",
  });
  lowering.setPlain(followers.output, value);
}

/** [N, K] as [K, N]. */
function columnsOf(weights: Int32Array, columns: number): HostTensor {
  const rows = weights.length / columns;
  const data = new Int32Array(weights.length);
  for (let n = 0; n < columns; n++) {
    for (let k = 0; k < rows; k++) data[k * columns + n] = weights[n * rows + k] as number;
  }
  return { type: "i32", dims: [rows, columns], data };
}
