import { floatAttribute, intAttribute } from "../../onnx/graph.ts";
import { i64Tensor } from "../../onnx/tensor.ts";
import { floatConstant, floatScalar } from "./mlScores.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";

/** A function of one float as a composition of others; the last node is given the output's name. */
export const composed =
  (compose: (context: RewriteContext, x: string) => readonly [op: string, ...inputs: string[]]): Rewrite =>
  (node, context) => {
    const [op, ...inputs] = compose(context, node.inputs[0] ?? "");
    context.nodeTo(node.outputs, op, inputs);
    return true;
  };

/** (e^x plus or minus e^-x) / 2. */
const hyperbolic = (op: "Add" | "Sub"): Rewrite =>
  composed((context, x) => {
    const [up, down] = [context.node("Exp", [x]), context.node("Exp", [context.node("Neg", [x])])];
    return ["Mul", context.node(op, [up, down]), floatScalar(context, 0.5)];
  });

/** sqrt(x^2 + shift). */
const root = (context: RewriteContext, x: string, shift: number) =>
  context.node("Sqrt", [context.node("Add", [context.node("Mul", [x, x]), floatScalar(context, shift)])]);

/** sign(x) ln(abs(x) + sqrt(x^2 + 1)). */
const asinh = composed((context, x) => {
  const magnitude = context.node("Abs", [x]);
  const log = context.node("Log", [context.node("Add", [magnitude, root(context, x, 1)])]);
  return ["Mul", context.node("Sign", [x]), log];
});

/** ln(x + sqrt(x^2 - 1)). */
const acosh = composed((context, x) => ["Log", context.node("Add", [x, root(context, x, -1)])]);

/** ln((1 + x) / (1 - x)) / 2. */
const atanh = composed((context, x) => {
  const one = floatScalar(context, 1);
  const quotient = context.node("Div", [context.node("Add", [one, x]), context.node("Sub", [one, x])]);
  return ["Mul", context.node("Log", [quotient]), floatScalar(context, 0.5)];
});

const tan = composed((context, x) => ["Div", context.node("Sin", [x]), context.node("Cos", [x])]);

/** x + bias below -lambd, x - bias above lambd, 0 between. */
const shrink: Rewrite = (node, context) => {
  const [x = ""] = node.inputs;
  if (context.typeOf(x).type !== "f32") throw context.unsupported(`its input is ${context.typeOf(x).type}`);
  const lambd = floatAttribute(node, "lambd", 0.5);
  const bias = floatScalar(context, floatAttribute(node, "bias", 0));
  const below = context.node("Less", [x, floatScalar(context, -lambd)]);
  const above = context.node("Greater", [x, floatScalar(context, lambd)]);
  const upper = context.node("Where", [above, context.node("Sub", [x, bias]), floatScalar(context, 0)]);
  context.nodeTo(node.outputs, "Where", [below, context.node("Add", [x, bias]), upper]);
  return true;
};

/** 1 at the first largest element along the axis, else 0. */
const hardmax: Rewrite = (node, context) => {
  const { dims } = context.typeOf(node.inputs[0] ?? "");
  const given = intAttribute(node, "axis", -1);
  const axis = given < 0 ? given + dims.length : given;
  const place = context.node("ArgMax", [node.inputs[0] ?? ""], { axis, keepdims: 0 });
  const depth = context.addConstant("depth", i64Tensor([dims[axis] as number]));
  context.nodeTo(node.outputs, "OneHot", [place, depth, floatConstant(context, [0, 1])], { axis });
  return true;
};

/** Functions that are written in others. */
export const COMPOSITIONS: readonly (readonly [string, Rewrite])[] = [
  ["Acosh", acosh],
  ["Asinh", asinh],
  ["Atanh", atanh],
  ["Cosh", hyperbolic("Add")],
  ["Hardmax", hardmax],
  ["Shrink", shrink],
  ["Sinh", hyperbolic("Sub")],
  ["Tan", tan],
];
