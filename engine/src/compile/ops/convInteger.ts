import { type GraphNode, intAttribute } from "../../onnx/graph.ts";
import type { HostTensor } from "../../onnx/tensor.ts";
import { Expression } from "../expression.ts";
import { type ConvolutionLoops, convolutionLoops, convolutionView } from "../linear/convolutionLoops.ts";
import type { Lowering } from "../lowering.ts";
import type { OperandDraft } from "../programBuilder.ts";
import { checkOperands, type Rule } from "../rule.ts";
import type { ExactValue } from "../values.ts";
import { product } from "../view.ts";
import { weightRows, weightType } from "../weights.ts";
import { checkWindow, imageAxes, readWindow, windowAttributes } from "../window.ts";
import { asUint8, isBytes, zeroPoint } from "./integerOperand.ts";

/**
 * ConvInteger by a constant filter: sum of (x - its zero) * (w - its zero) in int32, padding counting as zero. A computed zero point of the image is
 * taken off afterwards, times the sum of the weights that meet the image there.
 */
export const convInteger: Rule = {
  check(node, graph) {
    const [x = "", w = "", , wZero = ""] = node.inputs;
    const constants = { ...node, inputs: [x, w, ...(wZero === "" ? [] : [wZero])] };
    const problem = checkOperands(constants, graph, ["filter", "filter's zero point"]) ?? checkWindow(node);
    if (problem) return problem;
    const filter = graph.initializers.get(w);
    if (!isBytes(filter)) return "its filter is not 8-bit integers";
    if (filter.dims.length !== 3 && filter.dims.length !== 4)
      return `its filter has the shape [${filter.dims}]; only 1D and 2D convolutions are supported`;
    const groups = intAttribute(node, "group", 1);
    if (groups < 1 || (filter.dims[0] as number) % groups !== 0)
      return `${groups} groups do not divide its output channels`;
    return filter.data.length === 0 ? "its filter is empty" : undefined;
  },

  lower(node, lowering) {
    const output = node.outputs[0] ?? "";
    const image = imageValue(lowering, node);
    const filter = lowering.constant(node.inputs[1]) as HostTensor;
    const [channels, perGroup, ...kernel] = filter.dims as [number, number, ...number[]];
    const zeros = lowering.constant(node.inputs[3] || undefined)?.data ?? [0];
    const layer = weightRows(filter, Int32Array.from(zeros as Int32Array), 0);
    if (!layer) throw lowering.unsupported(node, "its filter's zero points differ and do not fit i8");
    const zero = zeroPoint(node, lowering, node.inputs[2]);
    const groups = intAttribute(node, "group", 1);
    const window = readWindow(node, kernel, image.dims.slice(2), lowering.dims(output).slice(2));
    const loops = convolutionLoops(window, image.dims[0] as number, channels, perGroup, groups);
    const type = weightType(layer);

    const graph = asUint8(lowering, image, zero);
    const weights = lowering.initializer(`${node.name}_filter`, {
      type,
      dims: filter.dims,
      data: layer.values,
    });
    const inputs = [graph.tensor, weights, graph.zero, lowering.scalar(type, layer.zero)];
    const attributes = { ...windowAttributes(window), group: groups };
    const tensor = lowering.emit("ConvInteger", inputs, attributes, output);

    const { program } = lowering;
    const index = program.addWeight(`${node.name}/filter`, type, loops.reversed(layer.values));
    const operands: OperandDraft[] = [loops.image(image.view), loops.filter(index, type)];
    const expression = new Expression();
    const sum = expression.acc();
    if (zero.kind === "computed") {
      const { view } = zero.value;
      const nowhere = { out: loops.outDims.map(() => 0), reduce: loops.reduceDims.map(() => 0) };
      operands.push({ ...view, ...nowhere, bounds: [] });
      operands.push(
        weightSums(
          lowering,
          node,
          loops,
          operands[0] as OperandDraft,
          operands[1] as OperandDraft,
          layer.zero,
        ),
      );
      expression.apply("isub", sum, expression.apply("imul", expression.load(2), expression.load(3)));
    }
    const { outDims, reduceDims, logical, order } = loops;
    const instruction = program.add(
      node.name,
      { tensor, shape: logical, permutation: order },
      {
        accumulate: "dot",
        outDtype: "i32",
        outDims,
        reduceDims,
        aZero: zero.kind === "constant" ? zero.value : 0,
        bZero: layer.zero,
        operands,
        expression: expression.operations,
      },
    );
    const view = convolutionView(loops, instruction, "i32");
    lowering.setPlain(output, { tensor, dims: lowering.dims(output), view, type: "i32" });
  },
};

/** The integer image, its view with one axis per dimension. */
function imageValue(lowering: Lowering, node: GraphNode): ExactValue {
  const [name = ""] = node.inputs;
  const value = lowering.plain(name);
  if (value.dims.length < 3) throw lowering.unsupported(node, `its input has the shape [${value.dims}]`);
  return imageAxes(value.view) && !value.view.bounds?.length ? value : lowering.copy(name, value);
}

/** At every position the sum of the weights that meet the image, less their zero point. Only a dispute computes it. */
function weightSums(
  lowering: Lowering,
  node: GraphNode,
  { outDims, reduceDims }: ConvolutionLoops,
  image: OperandDraft,
  filter: OperandDraft,
  zero: number,
): OperandDraft {
  const isPadded = (image.bounds ?? []).length > 0;
  // Without padding it is the same wherever the window lies.
  const sizes = outDims.map((size, axis) => (isPadded || filter.out[axis] !== 0 ? size : 1));
  const expression = new Expression();
  expression.acc();
  const index = lowering.program.add(`${node.name}: sums of weights`, null, {
    accumulate: "sum",
    outDtype: "i32",
    outDims: sizes,
    reduceDims,
    aZero: zero,
    operands: [{ ...filter, bounds: image.bounds ?? [] }],
    expression: expression.operations,
  });
  const out = sizes.map((size, axis) => (size === 1 ? 0 : product(sizes.slice(axis + 1))));
  const reduce = reduceDims.map(() => 0);
  return { space: "trace", index, dtype: "i32", elements: product(sizes), offset: 0, out, reduce };
}
