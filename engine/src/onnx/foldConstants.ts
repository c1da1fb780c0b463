import { FatalError } from "@surety/protocol";
import { createSession, runSession } from "../run/onnxruntime.ts";
import { checkScales } from "./checkScales.ts";
import { checkSizes } from "./checkSizes.ts";
import { encodeAttribute } from "./encodeGraph.ts";
import { describeNode, type Graph, type GraphNode } from "./graph.ts";
import {
  dequantisedIntegers,
  type IntegerConstant,
  movedIntegers,
  movesElements,
  writtenOutIntegers,
} from "./integerConstants.ts";
import { encodeModel } from "./proto.ts";
import { ELEMENT_TYPES, type HostTensor } from "./tensor.ts";

/** Ops worth running at compile time, none of which can make a result much larger than what it reads. */
const FOLDABLE = new Set([
  ..."Reshape Transpose Unsqueeze Squeeze Flatten Identity Cast Concat Slice Gather Shape Dropout".split(" "),
  ..."Add Sub Mul Div Sqrt Neg Abs Reciprocal Exp Floor Ceil".split(" "),
  ..."DequantizeLinear QuantizeLinear".split(" "),
]);

/** Elements that folding may make in all: a hostile graph must not exhaust memory by growing its constants. */
const MAX_FOLDED_ELEMENTS = 2 ** 27;

/**
 * Replaces Constant nodes by initializers; nothing is run.
 * @throws FatalError ONNX_CONSTANT for a Constant node without a tensor value
 */
export function liftConstants(graph: Graph): Graph {
  const isConstant = (node: GraphNode) => node.op === "Constant" && node.domain === "";
  const lifted = graph.nodes
    .filter(isConstant)
    .map((node) => [node.outputs[0] ?? "", constantValue(node)] as const);
  const nodes = graph.nodes.filter((node) => !isConstant(node));
  return { ...graph, nodes, initializers: new Map([...graph.initializers, ...lifted]) };
}

/**
 * Replaces Constant nodes and nodes that read only constants by initializers.
 *
 * @throws FatalError ONNX_CONSTANT for a Constant node without a tensor value, ONNX_REFUSED, ONNX_SHAPE, ONNX_VALUE
 */
export async function foldConstants(graph: Graph): Promise<Graph> {
  const constants = new Map(graph.initializers);
  const integerConstants = new Map(graph.integerConstants);
  const rest: GraphNode[] = [];
  let budget = MAX_FOLDED_ELEMENTS;
  for (const node of graph.nodes) {
    checkScales(node, constants);
    checkSizes(node, (name) => constants.get(name));
    if (node.op === "Constant" && node.domain === "") {
      constants.set(node.outputs[0] ?? "", constantValue(node));
    } else if (isFoldable(node, constants)) {
      budget -= resultLimit(
        node,
        node.inputs.flatMap((name) => constants.get(name) ?? []),
      );
      if (budget < 0) {
        throw new FatalError(
          "ONNX_SHAPE",
          `${describeNode(node)} makes too large a constant (limit ${MAX_FOLDED_ELEMENTS} elements).`,
        );
      }
      const result = await evaluateNode(node, constants, graph.opset);
      node.outputs.forEach((name, index) => {
        const tensor = result[index];
        if (name !== "" && tensor) constants.set(name, tensor);
      });
      const integers = await integersOf(node, { ...graph, initializers: constants, integerConstants });
      if (integers) integerConstants.set(node.outputs[0] ?? "", integers);
    } else {
      rest.push(node);
    }
  }
  const used = new Set(rest.flatMap((node) => node.inputs));
  for (const output of graph.outputs) used.add(output.name);
  const initializers = new Map([...constants].filter(([name]) => used.has(name)));
  return { ...graph, nodes: rest, initializers, integerConstants };
}

/** The integers behind the constant that a folded node gave, if there are any. */
async function integersOf(node: GraphNode, graph: Graph): Promise<IntegerConstant | undefined> {
  const { initializers, integerConstants = new Map() } = graph;
  const source = integerConstants.get(node.inputs[0] ?? "");
  if (!source || !movesElements(node))
    return (
      dequantisedIntegers(node, initializers) ?? writtenOutIntegers(node, initializers, integerConstants)
    );
  const constants = new Map([...graph.initializers, [node.inputs[0] ?? "", source.integers]]);
  const [moved] = await evaluateNode(node, constants, graph.opset);
  return moved && movedIntegers(node, source, moved);
}

function constantValue(node: GraphNode): HostTensor {
  for (const [name, attribute] of node.attributes) {
    if (attribute.kind === "tensor") return attribute.value;
    if (name === "value_float" && attribute.kind === "float") {
      return { type: "f32", dims: [], data: Float32Array.of(attribute.value) };
    }
    if (name === "value_floats" && attribute.kind === "floats") {
      return { type: "f32", dims: [attribute.value.length], data: Float32Array.from(attribute.value) };
    }
    if (attribute.kind === "int" || attribute.kind === "ints") {
      const values = attribute.kind === "int" ? [attribute.value] : attribute.value;
      const dims = attribute.kind === "int" ? [] : [values.length];
      return { type: "i64", dims, data: BigInt64Array.from(values, (value) => BigInt(value)) };
    }
  }
  throw new FatalError("ONNX_CONSTANT", `${describeNode(node)} holds no tensor of a supported type.`);
}

function isFoldable(node: GraphNode, constants: ReadonlyMap<string, HostTensor>): boolean {
  if (node.domain !== "" || !FOLDABLE.has(node.op) || node.inputs.length === 0) return false;
  return node.inputs.every((name) => name === "" || constants.has(name));
}

async function evaluateNode(
  node: GraphNode,
  constants: ReadonlyMap<string, HostTensor>,
  opset: number,
): Promise<(HostTensor | undefined)[]> {
  const reads = [...new Set(node.inputs)].filter((name) => name !== "");
  const operands = reads.map((name) => constants.get(name) as HostTensor);
  const bytes = encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: opset }],
    graph: {
      name: "constant",
      node: [
        {
          opType: node.op,
          name: node.name,
          input: [...node.inputs],
          output: [...node.outputs],
          attribute: [...node.attributes].map(([name, value]) => encodeAttribute(name, value)),
        },
      ],
      input: reads.map((name, index) => {
        const tensor = operands[index] as HostTensor;
        const dim = tensor.dims.map((size) => ({ dimValue: size }));
        return { name, type: { tensorType: { elemType: ELEMENT_TYPES[tensor.type].code, shape: { dim } } } };
      }),
      output: node.outputs.filter((name) => name !== "").map((name) => ({ name })),
    },
  });
  const session = await createSession(bytes, { intraOpNumThreads: 1 });
  try {
    const feeds = Object.fromEntries(reads.map((name, index) => [name, operands[index] as HostTensor]));
    const results = await runSession(session, feeds);
    return node.outputs.map((name) => results[name]);
  } catch (cause) {
    const reason = (cause as Error).message.split("\n")[0];
    throw new FatalError(
      "ONNX_CONSTANT",
      `${describeNode(node)} cannot be computed from its constants: ${reason}`,
      { cause },
    );
  } finally {
    await session.release();
  }
}

/** An upper limit of the elements the node's result has, known before it is computed. */
function resultLimit(node: GraphNode, operands: readonly HostTensor[]): number {
  const sizes = operands.map((tensor) => tensor.data.length);
  if (node.op === "Gather") return sizes.reduce((product, size) => product * size, 1);
  if (["Add", "Sub", "Mul", "Div"].includes(node.op)) {
    const rank = Math.max(0, ...operands.map((tensor) => tensor.dims.length));
    const dims = Array.from({ length: rank }, (_, axis) =>
      Math.max(...operands.map((tensor) => tensor.dims[tensor.dims.length - 1 - axis] ?? 1)),
    );
    return dims.reduce((product, size) => product * size, 1);
  }
  return sizes.reduce((sum, size) => sum + size, 0) + 64;
}
