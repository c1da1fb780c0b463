/** LSTM, GRU and RNN, unrolled over time (https://onnx.ai/onnx/operators/onnx__LSTM.html, __GRU, __RNN). */
import { type GraphNode, intAttribute, stringAttribute } from "../../onnx/graph.ts";
import { list, part, scalarOf, tensorOf } from "./movement.ts";
import { type Activate, activationsOf } from "./recurrentActivations.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";

/** A state before it has a value stands for zeros. */
type State = string | undefined;

/** One direction's weights and what a step is made with. */
interface Cell {
  readonly node: GraphNode;
  readonly context: RewriteContext;
  readonly hidden: number;
  /** [hidden, gates * hidden]. */
  readonly recurrence: string;
  /** Bias of the recurrence, where it is not added to the input's already: [gates * hidden]. */
  readonly recurrenceBias: State;
  /** Weights of the cell state, of LSTM: [3 * hidden]. */
  readonly peepholes: State;
  readonly activations: readonly Activate[];
}

interface Step {
  readonly hidden: string;
  readonly cell?: string;
}

/** Given the input's share of all gates, [batch, gates * hidden], and the states before. */
type Advance = (cell: Cell, input: string, hidden: State, state: State) => Step;

const add = (context: RewriteContext, a: string, b: State) =>
  b === undefined ? a : context.node("Add", [a, b]);
const mul = (context: RewriteContext, a: string, b: string) => context.node("Mul", [a, b]);
const oneMinus = (context: RewriteContext, a: string) =>
  context.node("Sub", [scalarOf(context, "f32", 1), a]);

/** Gate number k of [batch, gates * hidden] (or of a list of gates * hidden). */
function gate({ context, hidden }: Cell, name: string, k: number): string {
  return part(context, name, -1, k * hidden, (k + 1) * hidden);
}

const recur = ({ context, recurrence }: Cell, hidden: State, weights = recurrence): State =>
  hidden === undefined ? undefined : context.node("MatMul", [hidden, weights]);

const advanceRnn: Advance = (cell, input, hidden) => {
  const [activate] = cell.activations as [Activate];
  return { hidden: activate(add(cell.context, input, recur(cell, hidden))) };
};

const advanceLstm: Advance = (cell, input, hidden, state) => {
  const { context, node, peepholes } = cell;
  const [f, g, h] = cell.activations as [Activate, Activate, Activate];
  const all = add(context, input, recur(cell, hidden));
  const peep = (gates: string, k: number, of: State) =>
    peepholes === undefined || of === undefined
      ? gates
      : add(context, gates, mul(context, gate(cell, peepholes, k), of));
  const enter = f(peep(gate(cell, all, 0), 0, state));
  const candidate = g(gate(cell, all, 3));
  let next = mul(context, enter, candidate);
  if (state !== undefined) {
    const isCoupled = intAttribute(node, "input_forget", 0) === 1;
    const keep = isCoupled ? oneMinus(context, enter) : f(peep(gate(cell, all, 2), 2, state));
    next = add(context, next, mul(context, keep, state));
  }
  const leave = f(peep(gate(cell, all, 1), 1, next));
  return { hidden: mul(context, leave, h(next)), cell: next };
};

const advanceGru: Advance = (cell, input, hidden) => {
  const { context, node, hidden: size, recurrence, recurrenceBias } = cell;
  const [f, g] = cell.activations as [Activate, Activate];
  const ofGates = part(context, recurrence, -1, 0, 2 * size);
  const ofCandidate = part(context, recurrence, -1, 2 * size, 3 * size);
  const gates = add(context, part(context, input, -1, 0, 2 * size), recur(cell, hidden, ofGates));
  const update = f(gate(cell, gates, 0));
  const reset = f(gate(cell, gates, 1));
  const own = gate(cell, input, 2);
  let before = own;
  if (intAttribute(node, "linear_before_reset", 0) === 1) {
    const recurred = recur(cell, hidden, ofCandidate);
    const biased = recurred === undefined ? recurrenceBias : add(context, recurred, recurrenceBias);
    if (biased !== undefined) before = add(context, own, mul(context, reset, biased));
  } else if (hidden !== undefined) {
    before = add(context, own, recur(cell, mul(context, reset, hidden), ofCandidate));
  }
  const fresh = mul(context, oneMinus(context, update), g(before));
  return { hidden: hidden === undefined ? fresh : add(context, fresh, mul(context, update, hidden)) };
};

const KINDS = {
  RNN: { gates: 1, advance: advanceRnn },
  LSTM: { gates: 4, advance: advanceLstm },
  GRU: { gates: 3, advance: advanceGru },
} as const;

/** Steps in all directions: each is a dozen nodes or more. */
const MOST_STEPS = 2048;

const unroll: Rewrite = (node, context) => {
  const kind = KINDS[node.op as keyof typeof KINDS];
  const [x = "", weights = "", recurrences = "", biases, lengths, firstHidden, firstCell, peepholes] =
    node.inputs;
  const [steps, batch] = context.typeOf(x).dims as [number, number, number];
  const [directions, , hidden] = context.typeOf(recurrences).dims as [number, number, number];
  if (steps * directions > MOST_STEPS)
    throw context.unsupported(`it goes over ${steps} steps; the limit is ${MOST_STEPS / directions}`);
  const of = (name: string, direction: number) =>
    context.node("Gather", [name, scalarOf(context, "i64", direction)], { axis: 0 });
  const size = kind.gates * hidden;
  const outputs: string[][] = [];
  const last: Step[] = [];
  for (let direction = 0; direction < directions; direction++) {
    const transposed = (name: string) => context.node("Transpose", [of(name, direction)], { perm: [1, 0] });
    let input = context.node("MatMul", [x, transposed(weights)]);
    let recurrenceBias: State;
    if (biases) {
      const own = of(biases, direction);
      const [first, second] = [part(context, own, 0, 0, size), part(context, own, 0, size, 2 * size)];
      input = add(context, input, first);
      if (node.op === "GRU" && intAttribute(node, "linear_before_reset", 0) === 1) {
        const zeros = context.addConstant("zeros", tensorOf("f32", [hidden], Array(hidden).fill(0)));
        const gates = part(context, second, 0, 0, 2 * hidden);
        input = add(context, input, context.node("Concat", [gates, zeros], { axis: 0 }));
        recurrenceBias = part(context, second, 0, 2 * hidden, size);
      } else {
        input = add(context, input, second);
      }
    }
    const cell: Cell = {
      node,
      context,
      hidden,
      recurrence: transposed(recurrences),
      recurrenceBias,
      peepholes: peepholes ? of(peepholes, direction) : undefined,
      activations: activationsOf(node, context, direction),
    };
    const isReverse = direction === 1 || stringAttribute(node, "direction", "forward") === "reverse";
    const run = runDirection(
      cell,
      kind.advance,
      { input, steps, batch, isReverse, lengths },
      [firstHidden, firstCell].map((name) => (name ? of(name, direction) : undefined)),
    );
    outputs.push(run.outputs);
    last.push(run.last);
  }
  join(node, context, outputs, last);
  return true;
};

interface Course {
  /** The input's share of all gates: [steps, batch, gates * hidden]. */
  readonly input: string;
  readonly steps: number;
  readonly batch: number;
  readonly isReverse: boolean;
  /** Steps per sequence, if they differ. */
  readonly lengths: string | undefined;
}

function runDirection(
  cell: Cell,
  advance: Advance,
  { input, steps, batch, isReverse, lengths }: Course,
  [firstHidden, firstCell]: readonly State[],
): { outputs: string[]; last: Step } {
  const { context, hidden: size } = cell;
  const zeros = () =>
    context.addConstant("zeros", tensorOf("f32", [batch, size], Array(batch * size).fill(0)));
  let hidden: State = firstHidden;
  let state: State = firstCell;
  const outputs: string[] = [];
  for (let step = 0; step < steps; step++) {
    const time = isReverse ? steps - 1 - step : step;
    const now = context.node("Gather", [input, scalarOf(context, "i64", time)], { axis: 0 });
    const next = advance(cell, now, hidden, state);
    if (lengths) {
      const isOn = context.node("Less", [scalarOf(context, "i32", time), lengths]);
      const column = context.node("Unsqueeze", [isOn, list(context, [1])]);
      const either = (a: string, b: State) => context.node("Where", [column, a, b ?? zeros()]);
      outputs[time] = either(next.hidden, undefined);
      hidden = either(next.hidden, hidden);
      if (next.cell !== undefined) state = either(next.cell, state);
    } else {
      outputs[time] = next.hidden;
      hidden = next.hidden;
      state = next.cell;
    }
  }
  return { outputs, last: { hidden: hidden as string, ...(state === undefined ? {} : { cell: state }) } };
}

/** The outputs: all hidden states, [steps, directions, batch, hidden], and the last of each direction, [directions, batch, hidden]. */
function join(
  node: GraphNode,
  context: RewriteContext,
  outputs: readonly (readonly string[])[],
  last: readonly Step[],
): void {
  const [all = "", hidden = "", cell = ""] = node.outputs;
  const stack = (names: readonly string[], axis: number): string => {
    const rows = names.map((name) => context.node("Unsqueeze", [name, list(context, [axis])]));
    return rows.length === 1 ? (rows[0] as string) : context.node("Concat", rows, { axis });
  };
  const finish = (name: string, value: string) => {
    if (name !== "") context.nodeTo([name], "Identity", [value]);
  };
  if (all !== "") {
    const perDirection = outputs.map((steps) => stack(steps, 0));
    finish(all, stack(perDirection, 1));
  }
  if (hidden !== "")
    finish(
      hidden,
      stack(
        last.map((step) => step.hidden),
        0,
      ),
    );
  if (cell !== "")
    finish(
      cell,
      stack(
        last.map((step) => step.cell as string),
        0,
      ),
    );
}

/** layout 1 has the batch in front, which onnxruntime does not run: transposed before and after. */
const batchBehind: Rewrite = (node, context) => {
  if (intAttribute(node, "layout", 0) !== 1) return false;
  const inputs = node.inputs.map((name, k) =>
    name !== "" && BATCH_FIRST_INPUTS.includes(k)
      ? context.node("Transpose", [name], { perm: [1, 0, 2] })
      : name,
  );
  const outputs = node.outputs.map((name) => (name === "" ? "" : context.freshName(`${name}_behind`)));
  const attributes = new Map(node.attributes);
  attributes.delete("layout");
  context.keep({ ...node, inputs, outputs, attributes });
  node.outputs.forEach((name, k) => {
    const perm = k === 0 ? [2, 0, 1, 3] : [1, 0, 2];
    if (name !== "") context.nodeTo([name], "Transpose", [outputs[k] as string], { perm });
  });
  return true;
};

/** X, initial_h, initial_c. */
const BATCH_FIRST_INPUTS = [0, 5, 6];

/** What must be rewritten before onnxruntime runs it. */
export const RECURRENT_LAYOUTS: readonly (readonly [string, Rewrite])[] = [
  ["GRU", batchBehind],
  ["LSTM", batchBehind],
  ["RNN", batchBehind],
];

export const RECURRENT_DECOMPOSITIONS: readonly (readonly [string, Rewrite])[] = [
  ["GRU", unroll],
  ["LSTM", unroll],
  ["RNN", unroll],
];
