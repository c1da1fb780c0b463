import { floatAttribute, type GraphNode, stringAttribute } from "../../onnx/graph.ts";
import type { Elementwise, Term } from "../elementwise.ts";
import { exp } from "../functions/exponential.ts";
import { log } from "../functions/logarithm.ts";
import { erf, expMinus1OfNegative, gelu, LARGEST, sigmoid, softplus, tanh } from "../functions/sigmoids.ts";
import { cos, sin } from "../functions/trigonometric.ts";
import type { Rule } from "../rule.ts";
import { elementwise } from "./elementwise.ts";

/** A rule for a function of one float. */
function unary(formula: (kernel: Elementwise, x: Term, node: GraphNode) => Term): Rule {
  return elementwise((kernel, [x], node) => formula(kernel, x as Term, node));
}

/** The type integers are compared in and stored as; of bools u8. */
const wholeType = ({ type }: Term) => (type === "bool" || type === "f32" ? "u8" : type);
const negativePart = (kernel: Elementwise, x: Term) => kernel.min(x, kernel.float(0));
const positivePart = (kernel: Elementwise, x: Term) => kernel.max(x, kernel.float(0));
const finite = (kernel: Elementwise, x: Term) => kernel.clip(x, -LARGEST, LARGEST);

/** gamma (max(x, 0) + alpha (e^(x / divisor) - 1) for x < 0). */
function exponentialUnit(kernel: Elementwise, x: Term, alpha: number, divisor = 1, gamma = 1): Term {
  const scaled = divisor === 1 ? x : kernel.div(x, kernel.float(divisor));
  const below = kernel.mul(expMinus1OfNegative(kernel, scaled), kernel.float(alpha * gamma));
  const above = positivePart(kernel, x);
  return kernel.add(gamma === 1 ? above : kernel.mul(above, kernel.float(gamma)), below);
}

function hardSigmoid(kernel: Elementwise, x: Term, alpha: number, beta: number): Term {
  return kernel.clip(kernel.add(kernel.mul(x, kernel.float(alpha)), kernel.float(beta)), 0, 1);
}

/** x n / (n + 2) with n = w (w + 2), w = e^x: tanh(ln(1 + e^x)) written in w. */
function mish(kernel: Elementwise, x: Term): Term {
  // Beyond 20 the quotient is 1 to single precision, and n does not overflow.
  const w = exp(kernel, kernel.min(x, kernel.float(20)));
  const n = kernel.mul(w, kernel.add(w, kernel.float(2)));
  return kernel.mul(kernel.clip(x, -90, LARGEST), kernel.div(n, kernel.add(n, kernel.float(2))));
}

/** Functions of one value, and PRelu. */
export const ACTIVATIONS: readonly (readonly [string, Rule])[] = [
  [
    "Celu",
    unary((kernel, x, node) => {
      const alpha = floatAttribute(node, "alpha", 1);
      return exponentialUnit(kernel, x, alpha, alpha);
    }),
  ],
  ["Cos", unary(cos)],
  ["Elu", unary((kernel, x, node) => exponentialUnit(kernel, x, floatAttribute(node, "alpha", 1)))],
  ["Erf", unary(erf)],
  ["Exp", unary(exp)],
  [
    "Gelu",
    unary((kernel, x, node) =>
      gelu(kernel, x, stringAttribute(node, "approximate", "none") === "tanh" ? "tanh" : "none"),
    ),
  ],
  [
    "HardSigmoid",
    unary((kernel, x, node) =>
      hardSigmoid(kernel, x, floatAttribute(node, "alpha", 0.2), floatAttribute(node, "beta", 0.5)),
    ),
  ],
  ["HardSwish", unary((kernel, x) => kernel.mul(finite(kernel, x), hardSigmoid(kernel, x, 1 / 6, 0.5)))],
  [
    "LeakyRelu",
    unary((kernel, x, node) => {
      const alpha = floatAttribute(node, "alpha", 0.01);
      const scaled = kernel.mul(x, kernel.float(alpha));
      return alpha <= 1 ? kernel.max(x, scaled) : kernel.min(x, scaled);
    }),
  ],
  ["Log", unary(log)],
  ["Mish", unary(mish)],
  [
    "PRelu",
    elementwise((kernel, [x, slope]) =>
      kernel.add(positivePart(kernel, x as Term), kernel.mul(negativePart(kernel, x as Term), slope as Term)),
    ),
  ],
  [
    "Relu",
    unary((kernel, x) =>
      x.type === "f32"
        ? positivePart(kernel, x)
        : kernel.castInt(kernel.integerMax(x, kernel.int(0, wholeType(x))), wholeType(x)),
    ),
  ],
  [
    "Selu",
    unary((kernel, x, node) =>
      exponentialUnit(
        kernel,
        x,
        floatAttribute(node, "alpha", 1.6732631921768188),
        1,
        floatAttribute(node, "gamma", 1.0507010221481323),
      ),
    ),
  ],
  ["Sigmoid", unary(sigmoid)],
  ["Sin", unary(sin)],
  ["Softplus", unary(softplus)],
  [
    "Softsign",
    unary((kernel, x) => {
      const bounded = finite(kernel, x);
      return kernel.div(bounded, kernel.add(kernel.abs(bounded), kernel.float(1)));
    }),
  ],
  ["Tanh", unary(tanh)],
  [
    "ThresholdedRelu",
    unary((kernel, x, node) => {
      const isAbove = kernel.less(kernel.float(floatAttribute(node, "alpha", 1)), x);
      return kernel.select(isAbove, x, kernel.float(0));
    }),
  ],
];
