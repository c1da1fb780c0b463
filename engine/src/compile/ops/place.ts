/** Concat and Pad: parts put side by side into one tensor by one instruction, read through padded views. */
import { FatalError } from "@surety/protocol";
import { type GraphNode, intAttribute, stringAttribute } from "../../onnx/graph.ts";
import { i64Tensor, numbersOf } from "../../onnx/tensor.ts";
import { Elementwise } from "../elementwise.ts";
import { Expression } from "../expression.ts";
import { unionInterval } from "../interval.ts";
import type { Lowering } from "../lowering.ts";
import { mapInstruction } from "../mapInstruction.ts";
import type { Quantisation } from "../quantisation.ts";
import type { Rule } from "../rule.ts";
import type { ExactValue, QuantisedValue } from "../values.ts";
import { broadcastView, padView, product, refineViews, sizesOf, sliceView, type View } from "../view.ts";
import { checkParameters, viewOrCopy } from "./slice.ts";

/** Operands of one instruction. */
const MOST_PARTS = 8;

/**
 * Views one after the other along `axis`. The instructions beyond the last are the program's own: the exact graph has one Concat.
 *
 * @param tensor the whole in the exact graph; null for a tensor of the program alone
 */
export function concatViews(
  lowering: Lowering,
  name: string,
  tensor: string | null,
  views: readonly View[],
  axis: number,
): View {
  if (views.length > MOST_PARTS) {
    const size = MOST_PARTS ** Math.ceil(Math.log(views.length) / Math.log(MOST_PARTS) - 1);
    const groups: View[] = [];
    for (let start = 0; start < views.length; start += size) {
      const group = views.slice(start, start + size);
      const only = group.length === 1 ? group[0] : undefined;
      groups.push(only ?? concatViews(lowering, `${name}: parts from ${start}`, null, group, axis));
    }
    return concatViews(lowering, name, tensor, groups, axis);
  }
  const lengths = views.map((view) => sizesOf(view)[axis] as number);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  let start = 0;
  const margins = lengths.map((length) => {
    const margin = { before: start, after: total - start - length };
    start += length;
    return margin;
  });
  const padded = padAll(
    lowering,
    name,
    views,
    margins.map(({ before, after }) => ({ before: at(axis, before), after: at(axis, after) })),
  );
  const expression = new Expression();
  let result = expression.load(0);
  for (let part = 1; part < padded.length; part++) {
    const loaded = expression.load(part);
    result = expression.select(expression.apply("inside", part), loaded, result);
  }
  const dtype = (padded[0] as View).dtype;
  return mapInstruction(lowering.program, name, tensor, dtype, padded, expression, "as-first");
}

const at = (axis: number, value: number): number[] =>
  Array.from({ length: axis + 1 }, (_, k) => (k === axis ? value : 0));

interface Margins {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** The views padded; copied first where their axes do not allow it. */
function padAll(
  lowering: Lowering,
  name: string,
  views: readonly View[],
  margins: readonly Margins[],
): View[] {
  const padded = (from: readonly View[]) =>
    from.map((view, k) => padView(view, margins[k]?.before ?? [], margins[k]?.after ?? []));
  const direct = padded(views);
  if (direct.every((view) => view !== undefined) && refineViews(direct)) return direct;
  const copies = views.map((view, k) => {
    const expression = new Expression();
    expression.load(0);
    const label = `${name}: copy of part ${k}`;
    return mapInstruction(lowering.program, label, null, view.dtype, [view], expression, "row-major");
  });
  const again = padded(copies);
  if (!again.every((view) => view !== undefined))
    throw new FatalError("COMPILE_INTERNAL", `${name}: a row-major copy cannot be padded.`);
  return again;
}

/** Concat, of any number of parts. As u8, its parts are brought to its own scale. */
export const concat: Rule = {
  check: () => undefined,

  lower(node, lowering) {
    const [output = ""] = node.outputs;
    const dims = lowering.dims(output);
    const given = intAttribute(node, "axis", 0);
    const axis = given < 0 ? given + dims.length : given;
    const join = <Value extends ExactValue>(parts: readonly Value[]): Value => {
      const tensors = parts.map((part) => part.tensor);
      const tensor = lowering.emit("Concat", tensors, { axis }, output);
      const views = parts.map((part) => part.view);
      return {
        ...(parts[0] as Value),
        tensor,
        dims,
        view: concatViews(lowering, node.name, tensor, views, axis),
      };
    };
    const plain = () => {
      const parts = node.inputs.map((name) => lowering.plain(name));
      const { range: _, ...value } = join(parts);
      const ranges = parts.flatMap((part) => part.range ?? []);
      return ranges.length < parts.length ? value : { ...value, range: ranges.reduce(unionInterval) };
    };
    const isFloat = lowering.statistics(output).type === "f32";
    lowering.setForms(output, {
      plain,
      ...(node.inputs.some((name) => lowering.missing(name))
        ? { missing: () => join(node.inputs.map((name) => missingPart(lowering, name))) }
        : {}),
      ...(isFloat && node.inputs.some((name) => lowering.known(name).quantised)
        ? {
            quantised: () => {
              const quantisation = lowering.quantisationOf(output);
              return join(node.inputs.map((name) => underScale(lowering, name, quantisation)));
            },
          }
        : {}),
    });
  },
};

/** Where a part of a Concat was NaN in an input. */
function missingPart(lowering: Lowering, name: string): ExactValue {
  const own = lowering.missing(name);
  if (own) return own();
  const dims = lowering.dims(name);
  return lowering.constantValue("nothing missing", {
    type: "bool",
    dims,
    data: new Uint8Array(product(dims)),
  });
}

/** A value as u8 under a given quantisation: as it is, or rounded anew in one instruction. */
function underScale(lowering: Lowering, name: string, quantisation: Quantisation): QuantisedValue {
  const own = lowering.known(name).quantised?.();
  if (own?.quantisation.scale === quantisation.scale && own.quantisation.zero === quantisation.zero)
    return own;
  const label = `${name}: to another scale`;
  const kernel = new Elementwise(lowering, label, lowering.dims(name));
  return { ...kernel.store(kernel.quantise(kernel.operand(name), quantisation), label), quantisation };
}

/** Pad with a constant; what is cut off (negative pads) is left out of the view. Other modes are taken apart before. */
export const pad: Rule = {
  check(node, graph) {
    const problem = checkParameters(["pads", "", "axis list"])({ ...node, inputs: without(node, 2) }, graph);
    if (problem) return problem;
    const mode = stringAttribute(node, "mode", "constant");
    return mode === "constant" ? undefined : `its mode "${mode}" is not known`;
  },

  lower(node, lowering) {
    const [input = "", , fill = ""] = node.inputs;
    const [output = ""] = node.outputs;
    const dims = lowering.dims(output);
    const { before, after } = readPads(node, lowering);
    const pads = lowering.initializer("pads", i64Tensor([...before, ...after]));
    const place = <Value extends ExactValue>(value: Value, filler: Filler): Value => {
      const cut = cutBy(value, before, after, (make) => viewOrCopy(lowering, node.name, value, make));
      const margins = { before: before.map(grow), after: after.map(grow) };
      const [padded] = padAll(lowering, node.name, [cut], [margins]);
      const tensor = lowering.emit("Pad", [value.tensor, pads, filler.tensor], {}, output);
      const expression = new Expression();
      const background = filler.emit(expression);
      expression.select(expression.apply("inside", 0), expression.load(0), background);
      const views = [padded as View, ...(filler.view ? [broadcastView(filler.view, dims)] : [])];
      const { program } = lowering;
      const view = mapInstruction(
        program,
        node.name,
        tensor,
        value.view.dtype,
        views,
        expression,
        "as-first",
      );
      return { ...value, tensor, dims, view };
    };
    const isZero = fill === "" || numbersOf(lowering.constant(fill))?.every((value) => value === 0);
    const { quantised } = lowering.known(input);
    lowering.setForms(output, {
      ...(lowering.constant(input) || lowering.hasPlain(input) || !isZero || !quantised
        ? {
            plain: () => {
              const { range: _, ...value } = place(lowering.plain(input), plainFiller(lowering, fill, input));
              return value;
            },
          }
        : {}),
      ...(quantised && isZero
        ? {
            quantised: () => {
              const value = quantised();
              return place(value, zeroFiller(lowering, value.quantisation.zero));
            },
          }
        : {}),
    });
  },
};

const grow = (size: number) => Math.max(0, size);
const without = ({ inputs }: GraphNode, index: number) => inputs.filter((_, k) => k !== index);

/** What Pad writes around: in the graph, and as a value of the expression. */
interface Filler {
  readonly tensor: string;
  /** Operand 1, if it is no immediate. */
  readonly view?: View;
  emit(expression: Expression): number;
}

function zeroFiller(lowering: Lowering, zero: number): Filler {
  return { tensor: lowering.scalar("u8", zero), emit: (expression) => expression.int(zero) };
}

function plainFiller(lowering: Lowering, fill: string, input: string): Filler {
  const { type } = lowering.plain(input);
  if (fill === "") {
    const emit = (expression: Expression) => (type === "f32" ? expression.float(0) : expression.int(0));
    return { tensor: lowering.scalar(type, 0), emit };
  }
  const { tensor, view } = lowering.plain(fill);
  return { tensor, view: { ...view, dims: [] }, emit: (expression) => expression.load(1) };
}

/** Pads in front of and behind each dimension. */
function readPads(node: GraphNode, lowering: Lowering): Margins {
  const rank = lowering.dims(node.inputs[0] ?? "").length;
  const pads = numbersOf(lowering.constant(node.inputs[1])) ?? [];
  const axes = numbersOf(lowering.constant(node.inputs[3])) ?? Array.from({ length: rank }, (_, k) => k);
  const [before, after] = [new Array<number>(rank).fill(0), new Array<number>(rank).fill(0)];
  axes.forEach((axis, k) => {
    const dimension = axis < 0 ? axis + rank : axis;
    before[dimension] = pads[k] as number;
    after[dimension] = pads[k + axes.length] as number;
  });
  return { before, after };
}

/** The value's view without what negative pads cut off. */
function cutBy(
  value: ExactValue,
  before: readonly number[],
  after: readonly number[],
  cut: (make: (view: View) => View | undefined) => View,
): View {
  const front = before.map((size) => Math.max(0, -size));
  const sizes = value.dims.map((size, k) => size - (front[k] as number) - Math.max(0, -(after[k] as number)));
  const ones = value.dims.map(() => 1);
  return cut((view) => sliceView(view, front, ones, sizes));
}
