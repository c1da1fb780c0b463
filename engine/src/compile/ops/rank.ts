/** ArgMax, ArgMin and TopK: onnxruntime's own op in the graph, maxima and the first places that have them in the program. */
import { type GraphNode, intAttribute } from "../../onnx/graph.ts";
import { i64Tensor, numbersOf } from "../../onnx/tensor.ts";
import type { Dtype } from "../../program/instruction.ts";
import { Expression } from "../expression.ts";
import type { Lowering } from "../lowering.ts";
import { mapInstruction } from "../mapInstruction.ts";
import type { TraceSource } from "../programBuilder.ts";
import type { Rule } from "../rule.ts";
import type { ExactValue } from "../values.ts";
import { broadcastView, freshDims, product, replaceDimension, type View } from "../view.ts";
import { concatViews } from "./place.ts";
import { checkParameters, viewOrCopy } from "./slice.ts";

/** A run over one dimension of a value, in the program alone. */
class Race {
  readonly #lowering: Lowering;
  readonly #name: string;
  readonly #axis: number;
  readonly #dims: readonly number[];
  /** The element and its number along the axis. */
  readonly #views: readonly [View, View];
  readonly #isFloat: boolean;
  readonly #largest: boolean;
  readonly #worst: View;

  constructor(lowering: Lowering, name: string, value: ExactValue, axis: number, largest: boolean) {
    this.#lowering = lowering;
    this.#name = name;
    this.#axis = axis;
    this.#dims = value.dims;
    this.#largest = largest;
    const { dtype } = value.view;
    this.#isFloat = dtype === "f32";
    const size = value.dims[axis] as number;
    const numbers = Int32Array.from({ length: size }, (_, k) => k);
    const dims = value.dims.map((_, k) => (k === axis ? size : 1));
    const places = lowering.constantView(`${name}/places`, { type: "i32", dims, data: numbers });
    this.#views = [value.view, broadcastView(places, value.dims)];
    this.#worst = broadcastView(worstOf(lowering, name, dtype, largest), value.dims);
  }

  /** The best of all elements, or of those that come after the last winner: worse, or as good and further on. */
  best(step: number, last?: Winner): View {
    if (!last) return this.#reduce(`${this.#name}: best`, this.#views[0], this.#largest ? "max" : "min");
    const e = new Expression();
    const [x, place, lastBest, lastPlace] = [e.load(0), e.load(1), e.load(2), e.load(3)];
    const isWorse = this.#largest ? this.#less(e, x, lastBest) : this.#less(e, lastBest, x);
    const isFurther = e.apply("imin", this.#equal(e, x, lastBest), e.apply("ilt", lastPlace, place));
    e.select(e.apply("imax", isWorse, isFurther), x, e.load(4));
    const { best, place: won } = last;
    const left = this.#map(`${this.#name}: left ${step}`, this.#views[0].dtype, [best, won], e, this.#worst);
    return this.#reduce(`${this.#name}: best ${step}`, left, this.#largest ? "max" : "min");
  }

  /** The first (or last) place of the best, that is not the last winner's or before it. */
  place(step: number, best: View, first: boolean, source: string | null, last?: Winner): View {
    const e = new Expression();
    const [x, place, own] = [e.load(0), e.load(1), e.load(2)];
    let isBest = this.#equal(e, x, own);
    if (last) {
      const isOther = e.apply("isub", e.int(1), this.#equal(e, own, e.load(3)));
      isBest = e.apply("imin", isBest, e.apply("imax", isOther, e.apply("ilt", e.load(4), place)));
    }
    e.select(isBest, place, e.int(first ? (this.#dims[this.#axis] as number) : -1));
    const others = last ? [best, last.best, last.place] : [best];
    const candidates = this.#map(`${this.#name}: places ${step}`, "i32", others, e);
    return this.#reduce(`${this.#name}: place ${step}`, candidates, first ? "min" : "max", "i64", source);
  }

  #less(e: Expression, a: number, b: number): number {
    return e.apply(this.#isFloat ? "flt" : "ilt", a, b);
  }

  #equal(e: Expression, a: number, b: number): number {
    return e.apply(this.#isFloat ? "feq" : "ieq", a, b);
  }

  #map(name: string, dtype: Dtype, reduced: readonly View[], e: Expression, extra?: View): View {
    const others = reduced.map((view) => broadcastView(view, this.#dims));
    const views = [...this.#views, ...others, ...(extra ? [extra] : [])];
    return mapInstruction(this.#lowering.program, name, null, dtype, views, e, "row-major");
  }

  /** A reduction over the axis, whose size becomes 1. */
  #reduce(
    name: string,
    view: View,
    accumulate: "max" | "min",
    outDtype: Dtype = view.dtype,
    tensor: string | null = null,
  ): View {
    const kept = view.dims.map((axes, k) => (k === this.#axis ? [] : axes));
    const over = view.dims[this.#axis] ?? [];
    const flat = kept.flat();
    const outDims = flat.length > 0 ? flat.map((axis) => axis.size) : [1];
    const expression = new Expression();
    expression.acc();
    const { space, index, dtype, elements, offset } = view;
    const source: TraceSource | null =
      tensor === null ? null : { tensor, shape: outDims, permutation: outDims.map((_, k) => k) };
    const number = this.#lowering.program.add(name, source, {
      accumulate,
      outDtype,
      outDims,
      reduceDims: over.length > 0 ? over.map((axis) => axis.size) : [1],
      operands: [
        {
          space,
          index,
          dtype,
          elements,
          offset,
          out: flat.length > 0 ? flat.map((axis) => axis.stride) : [0],
          reduce: over.length > 0 ? over.map((axis) => axis.stride) : [0],
        },
      ],
      expression: expression.operations,
    });
    const dims = freshDims(kept.map((axes) => axes.map((axis) => axis.size)));
    return { space: "trace", index: number, dtype: outDtype, elements: product(outDims), offset: 0, dims };
  }
}

interface Winner {
  readonly best: View;
  readonly place: View;
}

/** What loses against every element, or ties with it. */
function worstOf(lowering: Lowering, name: string, dtype: Dtype, largest: boolean): View {
  const sign = largest ? -1 : 1;
  const bits = { u8: 8, i8: 8, i32: 32, i64: 64, f32: 0 }[dtype];
  const low = dtype === "u8" ? 0n : -(2n ** BigInt(Math.max(0, bits - 1)));
  const high = dtype === "u8" ? 255n : -low - 1n;
  const end = largest ? low : high;
  if (dtype === "f32") {
    const data = Float32Array.of(sign * Number.POSITIVE_INFINITY);
    return lowering.constantView(`${name}/worst`, { type: "f32", dims: [], data });
  }
  const data = { u8: Uint8Array, i8: Int8Array, i32: Int32Array }[dtype as "u8"]?.of(Number(end));
  return lowering.constantView(`${name}/worst`, {
    type: dtype,
    dims: [],
    data: data ?? BigInt64Array.of(end),
  });
}

function axisOf(node: GraphNode, rank: number, fallback: number): number {
  const axis = intAttribute(node, "axis", fallback);
  return axis < 0 ? axis + rank : axis;
}

/** ArgMax, ArgMin; on u8 where the value exists as such. */
function argExtreme(largest: boolean): Rule {
  return {
    check: checkParameters([]),

    lower(node, lowering) {
      const [input = ""] = node.inputs;
      const [output = ""] = node.outputs;
      const { plain, quantised } = lowering.known(input);
      const value: ExactValue =
        quantised && plain?.view.space !== "trace" ? quantised() : lowering.plain(input);
      const axis = axisOf(node, value.dims.length, 0);
      const keepdims = intAttribute(node, "keepdims", 1);
      const last = intAttribute(node, "select_last_index", 0);
      const attributes = { axis, keepdims, select_last_index: last };
      if (value.type === "i64") throw lowering.unsupported(node, "its input is of 64-bit integers");
      const tensor = lowering.emit(node.op, [value.tensor], attributes, output);
      const race = new Race(lowering, node.name, value, axis, largest);
      const place = race.place(0, race.best(0), last === 0, tensor);
      const view = keepdims === 0 ? replaceDimension(place, axis, []) : place;
      const range = { min: 0, max: (value.dims[axis] as number) - 1 };
      lowering.setPlain(output, { tensor, dims: lowering.dims(output), view, type: "i64", range });
    },
  };
}

/** More would be a sort, which the program has no instructions for. */
const LARGEST_K = 1024;

/** TopK: k rounds, each the best of what comes after the last winner. Sorted in any case: the order of unsorted results is not defined. */
const topK: Rule = {
  check: checkParameters(["k"]),

  lower(node, lowering) {
    const [input = ""] = node.inputs;
    const [values = "", indices = ""] = node.outputs;
    const value = lowering.plain(input);
    const k = numbersOf(lowering.constant(node.inputs[1]))?.[0] ?? 0;
    if (k > LARGEST_K) throw lowering.unsupported(node, `its k is ${k}; the limit is ${LARGEST_K}`);
    const axis = axisOf(node, value.dims.length, -1);
    const largest = intAttribute(node, "largest", 1) === 1;
    const dims = value.dims.map((size, dimension) => (dimension === axis ? k : size));
    const [best, places] = [values, indices].map((name, n) =>
      lowering.freshName(name || `${node.name}_${n}`),
    ) as [string, string];
    const attributes = { axis, largest: largest ? 1 : 0, sorted: 1 };
    const count = lowering.initializer("k", i64Tensor([k]));
    lowering.exact.node("TopK", [value.tensor, count], [best, places], attributes, node.name);

    const race = new Race(lowering, node.name, value, axis, largest);
    const winners: Winner[] = [];
    for (let step = 0; step < k; step++) {
      const last = winners.at(-1);
      const found = race.best(step, last);
      winners.push({ best: found, place: race.place(step, found, true, null, last) });
    }
    const won = winners.map((winner) => winner.place);
    const placeView = concatViews(lowering, `${node.name}: places`, places, won, axis);
    const range = { min: 0, max: (value.dims[axis] as number) - 1 };
    if (indices !== "")
      lowering.setPlain(indices, { tensor: places, dims, view: placeView, type: "i64", range });
    if (values === "") return;
    // The elements themselves, which a maximum is not: its zeros have no sign.
    const single = (view: View) => ((view.dims[axis] ?? []).length > 1 ? undefined : view);
    const data = viewOrCopy(lowering, node.name, value, single);
    const from = replaceDimension(data, axis, [k > 1 ? [{ size: k, stride: 0 }] : []]);
    const e = new Expression();
    e.apply("loadat", 1, e.apply("imul", e.load(0), e.int(data.dims[axis]?.[0]?.stride ?? 0)));
    const label = `${node.name}: values`;
    const { program } = lowering;
    const view = mapInstruction(program, label, best, data.dtype, [placeView, from], e, "row-major");
    lowering.setPlain(values, {
      tensor: best,
      dims,
      view,
      type: value.type,
      ...(value.range ? { range: value.range } : {}),
    });
  },
};

export const RANKS: readonly (readonly [string, Rule])[] = [
  ["ArgMax", argExtreme(true)],
  ["ArgMin", argExtreme(false)],
  ["TopK", topK],
];
