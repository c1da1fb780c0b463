import { FatalError } from "@surety/protocol";
import {
  decodeModel,
  encodeModel,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from "../onnx/proto.ts";
import { ELEMENT_TYPES, tensorFromProto, tensorToProto } from "../onnx/tensor.ts";

/**
 * The kernels that multiply 8-bit activations by 8-bit weights have two forms, which give the same bytes where both are exact:
 *
 * - u8 x i8, as the canonical graph of a bundle has it: the fast one. On x86 without VNNI it adds pairs of products in 16 bits
 *   (`pmaddubsw`), which saturates unless 2 * 255 * |w| < 2^15. Weights of 7 bits, |w| <= 64, are exact on every CPU.
 * - u8 x u8: the same weights and their zero point shifted by 128. Exact on every CPU for all weights.
 *
 * ConvInteger is always run as u8 x u8: it multiplies with the weights on the left, and onnxruntime has no kernel of its own for i8 on the
 * left (measured on AVX2, 3x3 64 -> 64 at 56x56: u8 x u8 takes a fifth of the time).
 */
const LARGEST_SAFE_WEIGHT = 64;
const SHIFT = 128;

/** Where an op has its zero point of activations, its weights and their zero point. */
const OPERANDS: Readonly<Record<string, { readonly zero: number; weight: number; weightZero: number }>> = {
  QLinearConv: { zero: 2, weight: 3, weightZero: 5 },
  "com.microsoft.QLinearConv": { zero: 2, weight: 3, weightZero: 5 },
  QLinearMatMul: { zero: 2, weight: 3, weightZero: 5 },
  ConvInteger: { zero: 2, weight: 1, weightZero: 3 },
  MatMulInteger: { zero: 2, weight: 1, weightZero: 3 },
  "com.microsoft.MatMulIntegerToFloat": { zero: 4, weight: 1, weightZero: 5 },
  // Not in exact graphs, but in source models.
  "com.microsoft.QGemm": { zero: 2, weight: 3, weightZero: 5 },
};

/** A node with i8 weights that may want the u8 form. */
interface Int8Node {
  readonly node: NodeProto;
  readonly weight: TensorProto;
  readonly weightZero: TensorProto | undefined;
}

/** The weights of int8 an initializer holds, not copied if they are raw. */
function int8Values(tensor: TensorProto): Int8Array {
  if (tensor.rawData && tensor.rawData.length > 0) {
    return new Int8Array(tensor.rawData.buffer, tensor.rawData.byteOffset, tensor.rawData.length);
  }
  return tensorFromProto(tensor, `Initializer "${tensor.name}"`).data as Int8Array;
}

/** A loop: `Uint8Array.from` takes 20 times as long. */
function shiftedValues(weights: Int8Array): Uint8Array {
  const shifted = new Uint8Array(weights.length);
  for (let k = 0; k < weights.length; k++) shifted[k] = (weights[k] as number) + SHIFT;
  return shifted;
}

/** The op with its domain in front, unless that is the standard one. */
export function qualified({ domain, opType = "" }: NodeProto): string {
  return domain ? `${domain}.${opType}` : opType;
}

/** The nodes of u8 x i8 whose weights are over 7 bits, and ConvInteger with any. */
function nodesToShift(graph: GraphProto): Int8Node[] {
  const initializers = new Map((graph.initializer ?? []).map((tensor) => [tensor.name ?? "", tensor]));
  const isInt8 = (tensor: TensorProto | undefined) => tensor?.dataType === ELEMENT_TYPES.i8.code;
  const wide = new Map<TensorProto, boolean>();
  const isWide = (tensor: TensorProto) => {
    const known = wide.get(tensor);
    if (known !== undefined) return known;
    const is = int8Values(tensor).some((w) => w > LARGEST_SAFE_WEIGHT || w < -LARGEST_SAFE_WEIGHT);
    wide.set(tensor, is);
    return is;
  };
  return (graph.node ?? []).flatMap((node) => {
    const at = OPERANDS[qualified(node)];
    const weight = at && initializers.get(node.input?.[at.weight] ?? "");
    // i8 x i8 multiplies in 16 bits and more everywhere.
    if (!at || !weight || !isInt8(weight) || isInt8(initializers.get(node.input?.[at.zero] ?? ""))) return [];
    if (node.opType !== "ConvInteger" && !isWide(weight)) return [];
    const zeroName = node.input?.[at.weightZero] ?? "";
    const weightZero = initializers.get(zeroName);
    if (zeroName !== "" && !weightZero) {
      throw new FatalError(
        "KERNEL_FORM",
        `${node.opType} node "${node.name}" computes the zero point of its weights; it must be a constant.`,
      );
    }
    return [{ node, weight, weightZero }];
  });
}

/**
 * The graph with every u8 x i8 node whose weights are over 7 bits in its u8 x u8 form, and all of ConvInteger; the very bytes given if there is
 * none. It computes the same function and is exact on every CPU, only slower (but for ConvInteger).
 *
 * Weights have to be initializers: a graph that computes int8 operands itself is not changed.
 *
 * @throws FatalError ONNX_MALFORMED, KERNEL_FORM
 */
export function portableForm(model: Uint8Array): Uint8Array {
  const proto = decodeModel(model);
  return shift(proto, nodesToShift(proto.graph ?? {})) ? encodeModel(proto) : model;
}

/**
 * The nodes of u8 x i8 that are not exact for all their weights where an op's kernels are as said: those with weights over 7 bits of ops that saturate, and
 * ConvInteger.
 *
 * @param isExact whether an op's u8 x i8 kernel gives exact results for all weights here
 * @returns their outputs
 * @throws FatalError ONNX_MALFORMED, KERNEL_FORM; what isExact throws
 */
export async function unsafeNodes(
  model: Uint8Array,
  isExact: (op: string) => Promise<boolean>,
): Promise<Set<string>> {
  const nodes = nodesToShift(decodeModel(model).graph ?? {});
  const inexact = new Set(["ConvInteger", "com.microsoft.QGemm"]);
  for (const op of new Set(nodes.map(({ node }) => qualified(node)))) {
    if (!inexact.has(op) && !(await isExact(op))) inexact.add(op);
  }
  return new Set(nodes.flatMap(({ node }) => (inexact.has(qualified(node)) ? [node.output?.[0] ?? ""] : [])));
}

/** The graph with the nodes that have these outputs in their u8 x u8 form, if they have two. */
export function shiftedForm(model: Uint8Array, outputs: ReadonlySet<string>): Uint8Array {
  const proto = decodeModel(model);
  const nodes = nodesToShift(proto.graph ?? {}).filter(({ node }) => outputs.has(node.output?.[0] ?? ""));
  return shift(proto, nodes) ? encodeModel(proto) : model;
}

/**
 * The graph in a form that is exact on this CPU: like `portableForm`, but weights over 7 bits stay int8 in ops whose u8 x i8 kernel is exact for all
 * weights. It costs nothing to find; `tunedForm` finds a faster one where there is no such kernel.
 *
 * @param isExact whether an op's u8 x i8 kernel gives exact results for all weights here
 * @throws FatalError ONNX_MALFORMED, KERNEL_FORM; what isExact throws
 */
export async function runnableForm(
  model: Uint8Array,
  isExact: (op: string) => Promise<boolean>,
): Promise<Uint8Array> {
  return shiftedForm(model, await unsafeNodes(model, isExact));
}

/** Rewrites these nodes of the model in place. Whether there was any. */
function shift({ graph = {} }: ModelProto, nodes: readonly Int8Node[]): boolean {
  const initializers = graph.initializer ?? [];
  const taken = new Set(initializers.map((tensor) => tensor.name ?? ""));
  for (const { name } of graph.input ?? []) taken.add(name ?? "");
  for (const { output } of graph.node ?? []) for (const name of output ?? []) taken.add(name);
  const made = new Map<TensorProto | undefined, string>();
  const shifted = (tensor: TensorProto | undefined): string => {
    const known = made.get(tensor);
    if (known !== undefined) return known;
    let name = `${tensor?.name ?? "zero"}.u8`;
    while (taken.has(name)) name += "_";
    taken.add(name);
    // A zero point left out is 0, for every channel.
    const data = tensor ? shiftedValues(int8Values(tensor)) : Uint8Array.of(SHIFT);
    initializers.push(tensorToProto({ type: "u8", dims: tensor?.dims ?? [], data }, name));
    made.set(tensor, name);
    return name;
  };
  for (const { node, weight, weightZero } of nodes) {
    const at = OPERANDS[qualified(node)];
    if (!at) continue;
    const inputs = [...(node.input ?? [])];
    while (inputs.length <= at.weightZero) inputs.push("");
    inputs[at.weight] = shifted(weight);
    inputs[at.weightZero] = shifted(weightZero);
    node.input = inputs;
  }
  const used = new Set((graph.node ?? []).flatMap(({ input }) => input ?? []));
  for (const { name } of graph.output ?? []) used.add(name ?? "");
  const isUsed = (tensor: TensorProto) => !made.has(tensor) || used.has(tensor.name ?? "");
  graph.initializer = initializers.filter(isUsed);
  return nodes.length > 0;
}
