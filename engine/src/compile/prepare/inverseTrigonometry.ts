import { composed } from "./compositions.ts";
import { floatScalar } from "./mlScores.ts";
import type { RewriteContext } from "./rewrite.ts";

/** Beyond, atan is pi / 2 in binary32, and squares would leave it. */
const LARGEST = 1e9;

/** The series of atan for |y| <= 0.2: the next term is 2e-9. */
const SERIES = [1, -1 / 3, 1 / 5, -1 / 7, 1 / 9];

const square = (context: RewriteContext, x: string) => context.node("Mul", [x, x]);
const shifted = (context: RewriteContext, x: string, by: number) =>
  context.node("Add", [x, floatScalar(context, by)]);
const clipped = (context: RewriteContext, x: string, limit: number) =>
  context.node("Clip", [x, floatScalar(context, -limit), floatScalar(context, limit)]);

/** tan(a / 2) of tan(a): t / (1 + sqrt(1 + t^2)). */
function halved(context: RewriteContext, t: string): string {
  const root = context.node("Sqrt", [shifted(context, square(context, t), 1)]);
  return context.node("Div", [t, shifted(context, root, 1)]);
}

/** atan(t) for |t| <= 0.2, times a factor. */
function series(
  context: RewriteContext,
  t: string,
  factor: number,
): readonly [op: string, ...inputs: string[]] {
  const z = square(context, t);
  const [lead, ...rest] = [...SERIES].reverse().map((coefficient) => factor * coefficient) as [
    number,
    ...number[],
  ];
  let sum = floatScalar(context, lead);
  for (const coefficient of rest) sum = shifted(context, context.node("Mul", [sum, z]), coefficient);
  return ["Mul", t, sum];
}

/** tan(asin(x) / 2) = x / (1 + sqrt((1 - x) (1 + x))), within 1; what is beyond 1 counts as 1. */
function halfAngle(context: RewriteContext, x: string): string {
  const sine = clipped(context, x, 1);
  const one = floatScalar(context, 1);
  const product = context.node("Mul", [context.node("Sub", [one, sine]), shifted(context, sine, 1)]);
  return context.node("Div", [sine, shifted(context, context.node("Sqrt", [product]), 1)]);
}

/** An eighth of asin(x) by halving its angle twice more. */
const eighth = (context: RewriteContext, x: string) =>
  halved(context, halved(context, halfAngle(context, x)));

/** Angles by halving them until a short series will do. */
export const INVERSE_TRIGONOMETRY = [
  [
    "Acos",
    composed((context, x) => {
      const [op, ...inputs] = series(context, eighth(context, x), 8);
      return ["Sub", floatScalar(context, Math.PI / 2), context.node(op, inputs)];
    }),
  ],
  ["Asin", composed((context, x) => series(context, eighth(context, x), 8))],
  [
    "Atan",
    composed((context, x) =>
      series(context, halved(context, halved(context, halved(context, clipped(context, x, LARGEST)))), 8),
    ),
  ],
] as const;
