import { floatAttribute, type GraphNode } from "../../onnx/graph.ts";
import { scalarOf } from "./movement.ts";
import type { RewriteContext } from "./rewrite.ts";

/** Adds the nodes of an activation function and returns its result's name. */
export type Activate = (input: string) => string;

/** Defaults of alpha and beta; a function without them takes none. */
const PARAMETERS: Readonly<Record<string, readonly number[]>> = {
  relu: [],
  tanh: [],
  sigmoid: [],
  softsign: [],
  softplus: [],
  affine: [1, 0],
  leakyrelu: [0.01],
  elu: [1],
  hardsigmoid: [0.2, 0.5],
  scaledtanh: [1, 1],
};

const DEFAULTS: Readonly<Record<string, readonly string[]>> = {
  RNN: ["Tanh"],
  GRU: ["Sigmoid", "Tanh"],
  LSTM: ["Sigmoid", "Tanh", "Tanh"],
};

/**
 * The activation functions of one direction of an LSTM, GRU or RNN, their arguments clipped where the node says so.
 * @throws FatalError MODEL_UNSUPPORTED for an unknown function
 */
export function activationsOf(node: GraphNode, context: RewriteContext, direction: number): Activate[] {
  const defaults = DEFAULTS[node.op] ?? [];
  const given = node.attributes.get("activations");
  const names = given?.kind === "strings" ? given.value : [...defaults, ...defaults];
  const listed = (name: string): readonly number[] => {
    const attribute = node.attributes.get(name);
    return attribute?.kind === "floats" ? attribute.value : [];
  };
  const [alphas, betas] = [[...listed("activation_alpha")], [...listed("activation_beta")]];
  const clip = floatAttribute(node, "clip", 0);
  const all = names.map((name, place): Activate => {
    const parameters = PARAMETERS[name.toLowerCase()];
    if (!parameters) throw context.unsupported(`its activation "${name}" is not known`);
    // The lists hold values for the functions that take them, in order.
    const alpha = parameters.length > 0 ? (alphas.shift() ?? (parameters[0] as number)) : 0;
    const beta = parameters.length > 1 ? (betas.shift() ?? (parameters[1] as number)) : 0;
    return (input) => {
      const limits = [-clip, clip].map((limit) => scalarOf(context, "f32", limit));
      // onnxruntime does not clip the cell state in front of the last function of LSTM.
      const inside =
        clip > 0 && place % defaults.length < 2 ? context.node("Clip", [input, ...limits]) : input;
      return apply(context, name.toLowerCase(), inside, alpha, beta);
    };
  });
  return all.slice(direction * defaults.length, (direction + 1) * defaults.length);
}

function apply(context: RewriteContext, name: string, x: string, alpha: number, beta: number): string {
  const number = (value: number) => scalarOf(context, "f32", value);
  const scaled = (input: string, factor: number) => context.node("Mul", [input, number(factor)]);
  switch (name) {
    case "relu":
      return context.node("Relu", [x]);
    case "tanh":
      return context.node("Tanh", [x]);
    case "softsign":
      return context.node("Softsign", [x]);
    case "softplus":
      return context.node("Softplus", [x]);
    case "affine":
      return context.node("Add", [scaled(x, alpha), number(beta)]);
    case "leakyrelu":
      return context.node("LeakyRelu", [x], { alpha: { float: alpha } });
    case "elu":
      return context.node("Elu", [x], { alpha: { float: alpha } });
    case "hardsigmoid":
      return context.node("HardSigmoid", [x], { alpha: { float: alpha }, beta: { float: beta } });
    case "scaledtanh":
      return scaled(context.node("Tanh", [scaled(x, beta)]), alpha);
    default:
      return context.node("Sigmoid", [x]);
  }
}
