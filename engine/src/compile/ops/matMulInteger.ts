import { type GraphNode, intAttribute } from "../../onnx/graph.ts";
import { ELEMENT_TYPES, type HostTensor } from "../../onnx/tensor.ts";
import { Expression } from "../expression.ts";
import type { ActivationLoops } from "../linear/activationLoops.ts";
import { copied, loopsOf } from "../linear/activationProduct.ts";
import type { Lowering } from "../lowering.ts";
import type { OperandDraft } from "../programBuilder.ts";
import { isConstant, type Rule } from "../rule.ts";
import { type Axis, product, type View, wholeView } from "../view.ts";
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
 * is taken off afterwards: sum a (b - bz) - az sum (b - bz). A Cast to f32 and a Mul by a scale behind it are part of it.
 */
export const matMulInteger: Rule = {
  check(node, graph) {
    return node.inputs.slice(0, 2).every((name) => isConstant(graph, name))
      ? "its operands are constants that could not be folded"
      : undefined;
  },

  lower(node, lowering) {
    const dims = lowering.dims(node.outputs[0] ?? "");
    const [a, b] = [side(node, lowering, 0), side(node, lowering, 1)];
    const right = b.view.space === "weight" ? b.view : alongColumns(lowering, node.name, b.view);
    const loops = loopsOf(lowering, node.name, a.view, right, dims);
    const scaling = findScaling(node, lowering, loops);
    const output = scaling?.output ?? node.outputs[0] ?? "";
    const zeros = [a.zeroTensor, b.zeroTensor];
    const tensor = scaling
      ? lowering.emit(SCALED, [a.tensor, b.tensor, ...scaling.tensors, ...zeros], {}, output)
      : lowering.emit("MatMulInteger", [a.tensor, b.tensor, ...zeros], {}, output);
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
    if (scaling) {
      expression.apply("fmul", expression.apply("tofloat", sum), read(scaling.operand));
    }
    const { outDims, reduceDims } = loops;
    const outDtype = scaling ? "f32" : "i32";
    const source = { tensor, shape: outDims, permutation: outDims.map((_, axis) => axis) };
    const draft = { outDtype, outDims, reduceDims, aZero, bZero, operands } as const;
    const index = lowering.program.add(node.name, source, {
      accumulate: "dot",
      ...draft,
      expression: expression.operations,
    });
    const most = Math.fround(Math.fround(product(reduceDims) * 255 * 255) * (scaling?.largest ?? 0));
    const range = scaling ? { range: { min: -most, max: most } } : {};
    lowering.setPlain(output, {
      tensor,
      dims,
      view: loops.result(index, outDtype),
      type: outDtype,
      ...range,
    });
  },
};

/** com.microsoft's product of integers with a scale: f32(f32(sum) * scale), one pass instead of three. */
const SCALED = "com.microsoft.MatMulIntegerToFloat";

/** What makes floats of a product's integers: a Cast and a Mul behind it, which are done inside it. */
interface Scaling {
  /** The source value that it computes. */
  readonly output: string;
  /** The scales of both sides in the exact graph; one of them is 1. */
  readonly tensors: readonly [string, string];
  readonly operand: OperandDraft;
  /** The largest magnitude of a scale. */
  readonly largest: number;
}

/** Takes in the Cast and the Mul that alone read the product, if the scale is known by now: one for all or one per column. */
function findScaling(node: GraphNode, lowering: Lowering, loops: ActivationLoops): Scaling | undefined {
  const cast = lowering.soleConsumer(node.outputs[0] ?? "");
  if (cast?.domain !== "" || cast.op !== "Cast" || intAttribute(cast, "to", 0) !== ELEMENT_TYPES.f32.code)
    return undefined;
  const real = cast.outputs[0] ?? "";
  const mul = lowering.soleConsumer(real);
  if (mul?.domain !== "" || mul.op !== "Mul") return undefined;
  const [output = ""] = mul.outputs;
  const name = mul.inputs[mul.inputs[0] === real ? 1 : 0] ?? "";
  const isKnown = lowering.constant(name) !== undefined || lowering.hasPlain(name);
  // A matrix of one dimension times it is a matrix again: only then has the product the shape of the sums.
  if (!isKnown || `${lowering.dims(output)}` !== `${lowering.dims(real)}`) return undefined;
  const scale = lowering.plain(name);
  const largest = Math.max(Math.abs(scale.range?.min ?? Infinity), Math.abs(scale.range?.max ?? Infinity));
  const columns = lowering.dims(output).at(-1);
  const [axis, ...others] = scale.view.dims.flat();
  const isScalar = product(scale.dims) === 1 && scale.dims.length <= 1;
  const isVector = scale.dims.length === 1 && scale.dims[0] === columns && loops.outDims.at(-1) === columns;
  const fits =
    isScalar || (isVector && axis && others.length === 0 && lowering.dims(node.inputs[1] ?? "").length === 2);
  if (!fits || scale.view.bounds?.length || !(product(loops.reduceDims) * 255 * 255 * largest < LARGEST))
    return undefined;
  lowering.absorb(cast);
  lowering.absorb(mul);
  const one = lowering.scalar("f32", 1);
  const operand = scalarOperand(scale.view, loops);
  if (isScalar) return { output, tensors: [scale.tensor, one], operand, largest };
  const out = operand.out.map((_, k) => (k === operand.out.length - 1 ? (axis as Axis).stride : 0));
  return { output, tensors: [one, scale.tensor], operand: { ...operand, out }, largest };
}

/** What scaled sums stay below, so that nothing overflows. */
const LARGEST = 2 ** 127;

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
