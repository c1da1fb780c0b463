import type { GraphNode } from "../../onnx/graph.ts";
import type { HostTensor } from "../../onnx/tensor.ts";
import { Expression } from "../expression.ts";
import type { ActivationLoops } from "../linear/activationLoops.ts";
import { copied, loopsOf } from "../linear/activationProduct.ts";
import type { Lowering } from "../lowering.ts";
import type { OperandDraft } from "../programBuilder.ts";
import { isConstant, type Rule } from "../rule.ts";
import { product, type View, wholeView } from "../view.ts";
import { weightRows, weightType } from "../weights.ts";
import { asUint8, isBytes, type ZeroPoint, zeroPoint } from "./integerOperand.ts";

/** One side of the product: how the program reads it and what onnxruntime multiplies. */
interface Side {
  readonly view: View;
  readonly tensor: string;
  readonly zeroTensor: string;
  readonly zero: ZeroPoint;
}

/**
 * MatMulInteger: sum of (a - its zero) * (b - its zero) in int32, wrapping. Zero points known when compiling are the instruction's own; a computed one
 * is taken off afterwards: sum a (b - bz) - az sum (b - bz).
 */
export const matMulInteger: Rule = {
  check(node, graph) {
    return node.inputs.slice(0, 2).every((name) => isConstant(graph, name))
      ? "its operands are constants that could not be folded"
      : undefined;
  },

  lower(node, lowering) {
    const output = node.outputs[0] ?? "";
    const dims = lowering.dims(output);
    const [a, b] = [side(node, lowering, 0), side(node, lowering, 1)];
    const tensor = lowering.emit(
      "MatMulInteger",
      [a.tensor, b.tensor, a.zeroTensor, b.zeroTensor],
      {},
      output,
    );
    const right = b.view.space === "weight" ? b.view : alongColumns(lowering, node.name, b.view);
    const loops = loopsOf(lowering, node.name, a.view, right, dims);
    const known = (zero: ZeroPoint) => (zero.kind === "constant" ? zero.value : 0);
    const [aZero, bZero] = [known(a.zero), known(b.zero)];
    const [first, second] = loops.operands;
    const operands: OperandDraft[] = [first, second];
    const expression = new Expression();
    let sum = expression.acc();
    /** Adds an operand that the expression reads; returns its value. */
    const read = (operand: OperandDraft) => {
      operands.push(operand);
      return expression.load(operands.length - 1);
    };
    const scalar = ({ view }: { readonly view: View }) => read(scalarOperand(view, loops));
    const takeOff = (factor: number, total: number) => {
      sum = expression.apply("isub", sum, expression.apply("imul", factor, total));
    };
    if (a.zero.kind === "computed") {
      const columns = sumOver(lowering, `${node.name}: column sums`, second, bZero, loops);
      takeOff(scalar(a.zero.value), read(columns));
    }
    if (b.zero.kind === "computed") {
      const zero = scalar(b.zero.value);
      takeOff(zero, read(sumOver(lowering, `${node.name}: row sums`, first, aZero, loops)));
      if (a.zero.kind === "computed") {
        // Both were taken off whole: what they share is given back.
        const length = expression.int(product(loops.reduceDims));
        const shared = expression.apply("imul", expression.apply("imul", scalar(a.zero.value), zero), length);
        sum = expression.apply("iadd", sum, shared);
      }
    }
    const { outDims, reduceDims } = loops;
    const source = { tensor, shape: outDims, permutation: outDims.map((_, axis) => axis) };
    const draft = { outDtype: "i32" as const, outDims, reduceDims, aZero, bZero, operands };
    const index = lowering.program.add(node.name, source, {
      accumulate: "dot",
      ...draft,
      expression: expression.operations,
    });
    lowering.setPlain(output, { tensor, dims, view: loops.result(index, "i32"), type: "i32" });
  },
};

function side(node: GraphNode, lowering: Lowering, at: 0 | 1): Side {
  const name = node.inputs[at] ?? "";
  const constant = lowering.constant(name);
  if (lowering.dims(name).length < 2)
    throw lowering.unsupported(node, `its operand "${name}" has the shape [${lowering.dims(name)}]`);
  if (at === 1 && constant?.dims.length === 2) {
    const weights = constantMatrix(node, lowering, constant);
    if (weights) return weights;
  }
  const zero = zeroPoint(node, lowering, node.inputs[2 + at]);
  if (!constant) {
    const given = lowering.plain(name);
    const value = given.view.bounds?.length ? lowering.copy(name, given) : given;
    const { tensor, zero: zeroTensor } = asUint8(lowering, value, zero);
    return { view: value.view, tensor, zeroTensor, zero };
  }
  if (!isBytes(constant)) throw lowering.unsupported(node, `its operand "${name}" holds no 8-bit integers`);
  const tensor = lowering.initializer(`${name}_constant`, constant);
  const view = lowering.constantView(name, constant);
  const graph = asUint8(
    lowering,
    { tensor, dims: constant.dims, view, type: constant.type as "u8" | "i8" },
    zero,
  );
  return { view, tensor: graph.tensor, zeroTensor: graph.zero, zero };
}

/** A constant matrix B with constant zero points, centred: read along its columns, backwards, as the referee wants it. */
function constantMatrix(node: GraphNode, lowering: Lowering, matrix: HostTensor): Side | undefined {
  const zeros = node.inputs[3] ? lowering.constant(node.inputs[3]) : undefined;
  if (!isBytes(matrix) || (node.inputs[3] && !zeros)) return undefined;
  const [rows, columns] = matrix.dims as [number, number];
  if (zeros && zeros.data.length !== 1 && zeros.data.length !== columns) return undefined;
  const kept = weightRows(matrix, Int32Array.from((zeros?.data ?? [0]) as Int32Array), 1);
  if (!kept) return undefined;
  const type = weightType(kept);
  const reversed = kept.values.slice();
  const upright = kept.values.slice();
  for (let n = 0; n < columns; n++) {
    for (let k = 0; k < rows; k++) {
      const value = kept.values[n * rows + k] as number;
      reversed[n * rows + rows - 1 - k] = value;
      upright[k * columns + n] = value;
    }
  }
  const index = lowering.program.addWeight(`${node.name}/matrix`, type, reversed);
  const axis = (size: number, stride: number) => (size > 1 ? [{ size, stride }] : []);
  return {
    view: {
      ...wholeView("weight", index, type, [columns, rows]),
      offset: rows - 1,
      dims: [axis(rows, -1), axis(columns, rows)],
    },
    tensor: lowering.initializer(`${node.name}_matrix`, { type, dims: matrix.dims, data: upright }),
    zeroTensor: lowering.scalar(type, kept.zero),
    zero: { kind: "constant", value: kept.zero },
  };
}

/**
 * The sums of an operand over the reduction, less its zero point, as an operand of the product. Only a dispute computes them.
 */
function sumOver(
  lowering: Lowering,
  name: string,
  operand: OperandDraft,
  zero: number,
  { outDims, reduceDims }: ActivationLoops,
): OperandDraft {
  // Axes along which the operand does not move need one sum for all.
  const sizes = outDims.map((size, axis) => (operand.out[axis] === 0 ? 1 : size));
  const expression = new Expression();
  expression.acc();
  const index = lowering.program.add(name, null, {
    accumulate: "sum",
    outDtype: "i32",
    outDims: sizes,
    reduceDims,
    aZero: zero,
    operands: [operand],
    expression: expression.operations,
  });
  const strides = sizes.map((size, axis) => (size === 1 ? 0 : product(sizes.slice(axis + 1))));
  const elements = product(sizes);
  const reduce = reduceDims.map(() => 0);
  return { space: "trace", index, dtype: "i32", elements, offset: 0, out: strides, reduce };
}

function scalarOperand(view: View, { outDims, reduceDims }: ActivationLoops): OperandDraft {
  const { space, index, dtype, elements, offset } = view;
  return {
    space,
    index,
    dtype,
    elements,
    offset,
    out: outDims.map(() => 0),
    reduce: reduceDims.map(() => 0),
  };
}

/** A computed matrix read along its columns; copied into that order where they lie apart, since a step would need a leaf for every element. */
function alongColumns(lowering: Lowering, name: string, view: View): View {
  const shared = view.dims.at(-2) ?? [];
  if (shared.length === 0 || Math.abs(shared.at(-1)?.stride ?? 1) === 1) return view;
  const last = view.dims.length - 1;
  const swap = <Item>(items: readonly Item[]) => [
    ...items.slice(0, -2),
    items[last] as Item,
    items[last - 1] as Item,
  ];
  const turned = copied(lowering, name, { ...view, dims: swap(view.dims) });
  return { ...turned, dims: swap(turned.dims) };
}
