import { FatalError } from "@surety/protocol";
import { ELEMENT_TYPES, type HostTensor } from "../onnx/tensor.ts";
import type { Dtype, Opcode } from "../program/instruction.ts";
import { Expression } from "./expression.ts";
import {
  absInterval,
  addIntervals,
  divIntervals,
  type Interval,
  mapInterval,
  maxIntervals,
  minIntervals,
  mulIntervals,
  negateInterval,
  type Outcome,
  sqrtInterval,
  unionInterval,
} from "./interval.ts";
import type { Lowering } from "./lowering.ts";
import { type Layout, mapInstruction } from "./mapInstruction.ts";
import { roundTiesToEven } from "./quantisation.ts";
import { DTYPE_OF, type ExactValue, type ProgramType, type QuantisedValue } from "./values.ts";
import { broadcastView, type View } from "./view.ts";

/** One value of an expression, in both forms. */
export interface Term {
  /** Its tensor in the exact graph, as the program has it to the last bit. */
  readonly tensor: string;
  /** The same but for the sign of zeros: for consumers to whom -0 and +0 are one. */
  readonly unsignedZero: string;
  /** Element type in the exact graph. The program knows f32 and ints only. */
  readonly type: ProgramType;
  /** The value's number in the expression. */
  readonly value: number;
  /** Bounds of what it can be; a float term is never NaN. For bool 0 to 1. */
  readonly range: Interval;
}

const INT_RANGE: Readonly<Record<Exclude<ProgramType, "f32">, Interval>> = {
  bool: { min: 0, max: 1 },
  u8: { min: 0, max: 255 },
  i8: { min: -128, max: 127 },
  i32: { min: -(2 ** 31), max: 2 ** 31 - 1 },
  i64: { min: -(2 ** 63), max: 2 ** 63 },
};
/** As int32. */
const INFINITY_BITS = 0x7f800000;
const NEGATIVE_INFINITY_BITS = 0xff800000 | 0;
/** The largest f32 below 2^31. */
const LARGEST_INT32_FLOAT = 2147483520;

/**
 * Builds one elementwise computation in both forms side by side: nodes of the exact graph, and the expression of one instruction. Each method
 * is one operation of docs/exact-profile.md, so a rule writes its formula once.
 *
 * NaN never arises: where the operands' ranges allow one (0/0, infinity minus infinity...), it becomes 0.
 *
 * @example
 * const kernel = new Elementwise(lowering, node.name, dims);
 * const x = kernel.float32(node.inputs[0]);
 * lowering.setPlain(output, kernel.store(kernel.mul(x, kernel.float(0.5)), output));
 */
export class Elementwise {
  readonly #lowering: Lowering;
  readonly #name: string;
  readonly #dims: readonly number[];
  readonly #expression = new Expression();
  readonly #operands: View[] = [];
  readonly #loaded = new Map<string, Term>();

  /** @param dims logical sizes of the result; operands are broadcast to them */
  constructor(lowering: Lowering, name: string, dims: readonly number[]) {
    this.#lowering = lowering;
    this.#name = name;
    this.#dims = dims;
  }

  /** A source value or constant as it is: f32 where it is float (dequantised if need be), else its int type. */
  operand(name: string): Term {
    const constant = this.#lowering.constant(name);
    if (constant) return this.constant(constant, name);
    const { plain, quantised } = this.#lowering.known(name);
    if (quantised && !(plain && plain.view.space === "trace")) return this.dequantised(quantised());
    return this.load(this.#lowering.plain(name));
  }

  /** Reads a value. */
  load(value: ExactValue): Term {
    return this.#once(`load ${value.tensor}`, () => {
      const number = this.#expression.load(this.#operand(value.view));
      const range =
        value.range ?? (value.type === "f32" ? { min: -Infinity, max: Infinity } : INT_RANGE[value.type]);
      return term(value.tensor, value.type, number, range);
    });
  }

  /** Reads a u8 value as the floats it stands for: f32(f32(q - zero) * scale). */
  dequantised(value: QuantisedValue): Term {
    return this.#once(`dequantise ${value.tensor}`, () => {
      const { scale, zero } = value.quantisation;
      const q = this.#expression.load(this.#operand(value.view));
      const number = this.#expression.dequantise(q, value.quantisation);
      const range = { min: Math.fround(-zero * scale), max: Math.fround((255 - zero) * scale) };
      return term(this.#lowering.dequantisedTensor(value), "f32", number, range);
    });
  }

  /**
   * A bool: whether the bits, read as i32, are those of a NaN.
   * @param flags the exact graph's own, u8
   */
  isNaNBits(view: View, flags: string): Term {
    const bits = this.#expression.load(this.#operand(view));
    const apply = (code: "ilt" | "imin" | "imax", a: number, b: number) => this.#expression.apply(code, a, b);
    const positive = apply("ilt", this.#expression.int(INFINITY_BITS), bits);
    const above = apply("ilt", this.#expression.int(NEGATIVE_INFINITY_BITS), bits);
    const negative = apply("imin", above, apply("ilt", bits, this.#expression.int(0)));
    const tensor = this.#lowering.emit("Cast", [flags], { to: ELEMENT_TYPES.bool.code });
    return term(tensor, "bool", apply("imax", positive, negative), INT_RANGE.bool);
  }

  /** 1 where the view's bounds hold (a bool), read without touching its data. The exact graph's side is `tensor`. */
  inside(view: View, tensor: string): Term {
    return term(tensor, "bool", this.#expression.apply("inside", this.#operand(view)), INT_RANGE.bool);
  }

  /** A view of a value that the exact graph has as `tensor` (a padded or otherwise moved one). */
  loadView(view: View, tensor: string, type: ProgramType, range?: Interval): Term {
    const number = this.#expression.load(this.#operand(view));
    return term(
      tensor,
      type,
      number,
      range ?? (type === "f32" ? { min: -Infinity, max: Infinity } : INT_RANGE[type]),
    );
  }

  /**
   * The element of `view` at its own position plus `index` times `stride` elements. The index must be known to be inside.
   * @param tensor the exact graph's name of what is read
   */
  loadAt(view: View, index: Term, tensor: string, type: ProgramType, range?: Interval, stride = 1): Term {
    const elements =
      stride === 1 ? index.value : this.#expression.apply("imul", index.value, this.#expression.int(stride));
    const number = this.#expression.apply("loadat", this.#operand(view), elements);
    return term(
      tensor,
      type,
      number,
      range ?? (type === "f32" ? { min: -Infinity, max: Infinity } : INT_RANGE[type]),
    );
  }

  /** A constant tensor, or an immediate where it is one number. */
  constant(tensor: HostTensor, name: string): Term {
    const type = tensor.type as ProgramType;
    if (!(type in DTYPE_OF))
      throw new FatalError(
        "MODEL_UNSUPPORTED",
        `The constant "${name}" is ${tensor.type}, which is not in the exact profile.`,
      );
    const data = tensor.data;
    let min = Infinity;
    let max = -Infinity;
    for (const element of data) {
      const number = Number(element);
      if (Number.isNaN(number)) throw new FatalError("COMPILE_WEIGHTS", `The constant "${name}" holds NaN.`);
      min = Math.min(min, number);
      max = Math.max(max, number);
    }
    if (data.length === 1 && tensor.dims.length <= this.#dims.length) {
      if (type === "f32") return this.float(min);
      if (Math.abs(min) < 2 ** 31) return this.int(min, type);
    }
    return this.#once(`constant ${name}`, () => {
      const view = this.#lowering.constantView(name, tensor);
      const number = this.#expression.load(this.#operand(view));
      return term(this.#lowering.initializer(`${name}_constant`, tensor), type, number, { min, max });
    });
  }

  float(value: number): Term {
    const rounded = Math.fround(value);
    const sign = Object.is(rounded, -0) ? "-0" : rounded;
    return this.#once(`float ${sign}`, () =>
      term(this.#lowering.scalar("f32", rounded), "f32", this.#expression.float(rounded), {
        min: rounded,
        max: rounded,
      }),
    );
  }

  /** @param value within int32 */
  int(value: number, type: Exclude<ProgramType, "f32"> = "i32"): Term {
    return this.#once(`${type} ${value}`, () =>
      term(this.#lowering.scalar(type, value), type, this.#expression.int(value), { min: value, max: value }),
    );
  }

  add(a: Term, b: Term): Term {
    return this.#float("Add", "fadd", [a, b], addIntervals(a.range, b.range));
  }

  sub(a: Term, b: Term): Term {
    return this.#float("Sub", "fsub", [a, b], addIntervals(a.range, negateInterval(b.range)));
  }

  mul(a: Term, b: Term): Term {
    return this.#float("Mul", "fmul", [a, b], a === b ? square(a.range) : mulIntervals(a.range, b.range));
  }

  div(a: Term, b: Term): Term {
    return this.#float("Div", "fdiv", [a, b], divIntervals(a.range, b.range));
  }

  sqrt(a: Term): Term {
    return this.#float("Sqrt", "fsqrt", [a], sqrtInterval(a.range));
  }

  floor(a: Term): Term {
    return this.#float("Floor", "ffloor", [a], never(mapInterval(a.range, Math.floor)));
  }

  ceil(a: Term): Term {
    return this.#float("Ceil", "fceil", [a], never(mapInterval(a.range, Math.ceil)));
  }

  /** To the nearest integer, ties to even. */
  round(a: Term): Term {
    return this.#float("Round", "fround", [a], never(mapInterval(a.range, roundTiesToEven)));
  }

  abs(a: Term): Term {
    return this.#float("Abs", "fabs", [a], never(absInterval(a.range)));
  }

  neg(a: Term): Term {
    return this.mul(a, this.float(-1));
  }

  max(a: Term, b: Term): Term {
    return this.#extreme("Max", "fmax", a, b, maxIntervals(a.range, b.range));
  }

  min(a: Term, b: Term): Term {
    return this.#extreme("Min", "fmin", a, b, minIntervals(a.range, b.range));
  }

  /** min(max(a, low), high); ends that the range does not reach cost nothing. */
  clip(a: Term, low: number, high: number): Term {
    const raised = a.range.min >= low ? a : this.max(a, this.float(low));
    return raised.range.max <= high ? raised : this.min(raised, this.float(high));
  }

  /** A bool: a < b, floats or ints. */
  less(a: Term, b: Term): Term {
    return this.#node(
      "Less",
      a.type === "f32" ? "flt" : "ilt",
      this.#sameType(a, b),
      "bool",
      INT_RANGE.bool,
      true,
    );
  }

  /** A bool: a = b, floats, ints or bools. */
  equal(a: Term, b: Term): Term {
    return this.#node(
      "Equal",
      a.type === "f32" ? "feq" : "ieq",
      this.#sameType(a, b),
      "bool",
      INT_RANGE.bool,
      true,
    );
  }

  and(a: Term, b: Term): Term {
    return this.#node("And", "imin", [a, b], "bool", INT_RANGE.bool);
  }

  or(a: Term, b: Term): Term {
    return this.#node("Or", "imax", [a, b], "bool", INT_RANGE.bool);
  }

  not(a: Term): Term {
    const value = this.#expression.apply("isub", this.int(1).value, a.value);
    return term(this.#lowering.emit("Not", [a.tensor]), "bool", value, INT_RANGE.bool);
  }

  /** a where the bool is true, else b; a zero that is chosen is +0. */
  select(condition: Term, a: Term, b: Term): Term {
    const chosen = this.#expression.select(condition.value, a.value, b.value);
    const range = unionInterval(a.range, b.range);
    if (a.type !== "f32" || range.min > 0 || range.max < 0) {
      const tensor = this.#lowering.emit("Where", [condition.tensor, a.tensor, b.tensor]);
      return term(tensor, a.type, chosen, range);
    }
    const tensor = this.#lowering.emit("Where", [condition.tensor, a.unsignedZero, b.unsignedZero]);
    const value = this.#expression.apply("fadd", chosen, this.float(0).value);
    return this.#positiveZero(tensor, value, range);
  }

  /** Integer arithmetic, wrapping in the operands' type (u8 and i8 are widened to i32 first). */
  integer(op: "Add" | "Sub" | "Mul", a: Term, b: Term): Term {
    const [x, y] = this.#widened(a, b);
    const codes = x.type === "i64" ? LONG_CODES : INT_CODES;
    const range = integerRange(op, x, y);
    return this.#node(op, codes[op], [x, y], x.type, range);
  }

  /** Truncating division; the divisor must be proven other than 0, and no INT_MIN / -1. */
  integerDiv(a: Term, b: Term): Term {
    const [x, y] = this.#widened(a, b);
    return this.#node("Div", "idiv", [x, y], x.type, INT_RANGE[x.type as "i32"]);
  }

  integerMax(a: Term, b: Term): Term {
    const [x, y] = this.#widened(a, b);
    if (!withinInt32(x, y)) return this.select(this.less(x, y), y, x);
    return this.#node("Max", "imax", [x, y], x.type, maxIntervals(x.range, y.range));
  }

  integerMin(a: Term, b: Term): Term {
    const [x, y] = this.#widened(a, b);
    if (!withinInt32(x, y)) return this.select(this.less(x, y), x, y);
    return this.#node("Min", "imin", [x, y], x.type, minIntervals(x.range, y.range));
  }

  /** An int or bool as f32, ties to even. */
  toFloat(a: Term): Term {
    const tensor = this.#lowering.emit("Cast", [a.tensor], { to: ELEMENT_TYPES.f32.code });
    return term(tensor, "f32", this.#expression.apply("tofloat", a.value), mapInterval(a.range, Math.fround));
  }

  /** A float truncated towards zero, clamped to what f32 holds of int32. */
  toInt32(a: Term): Term {
    const clamped = this.clip(a, -(2 ** 31), LARGEST_INT32_FLOAT);
    const tensor = this.#lowering.emit("Cast", [clamped.unsignedZero], { to: ELEMENT_TYPES.i32.code });
    return term(
      tensor,
      "i32",
      this.#expression.apply("toint", clamped.value),
      mapInterval(clamped.range, Math.trunc),
    );
  }

  /** 2^a for an integral float within 0 to 31. The exact graph shifts a bit, the program looks it up. */
  powerOfTwo(a: Term): Term {
    if (!(a.range.min >= 0 && a.range.max <= 31))
      throw new FatalError(
        "COMPILE_INTERNAL",
        `${this.#name}: the exponent is not proven to be within 0 to 31.`,
      );
    const data = Float32Array.from({ length: 32 }, (_, exponent) => 2 ** exponent);
    const table = this.#lowering.constantView("powers_of_two", { type: "f32", dims: [32], data });
    const index = this.#expression.apply("toint", a.value);
    const value = this.#expression.apply("loadat", this.#operand({ ...table, dims: [] }), index);
    const one = this.#lowering.initializer("one", { type: "u32", dims: [], data: Uint32Array.of(1) });
    const shift = this.#lowering.emit("Cast", [a.unsignedZero], { to: ELEMENT_TYPES.u32.code });
    const power = this.#lowering.emit("BitShift", [one, shift], { direction: "LEFT" });
    const tensor = this.#lowering.emit("Cast", [power], { to: ELEMENT_TYPES.f32.code });
    return term(tensor, "f32", value, { min: 2 ** a.range.min, max: 2 ** a.range.max });
  }

  /** Between int types: to i32 modulo 2^32; to u8 and i8 only as the last step before `store`. */
  castInt(a: Term, to: Exclude<ProgramType, "f32" | "bool">): Term {
    if (a.type === to) return a;
    const tensor = this.#lowering.emit("Cast", [a.tensor], { to: ELEMENT_TYPES[to].code });
    const fits = a.range.min >= INT_RANGE[to].min && a.range.max <= INT_RANGE[to].max;
    const value =
      to === "i32" && !fits ? this.#expression.apply("iadd", a.value, this.int(0).value) : a.value;
    return term(tensor, to, value, fits ? a.range : INT_RANGE[to]);
  }

  /** An int or float as bool: other than zero. */
  toBool(a: Term): Term {
    if (a.type === "bool") return a;
    return this.not(this.equal(a, a.type === "f32" ? this.float(0) : this.int(0, a.type)));
  }

  /** QuantizeLinear to u8: round(clamp(f32(a / scale))) + zero. */
  quantise(a: Term, quantisation: { readonly scale: number; readonly zero: number }): Term {
    const { scale, zero } = quantisation;
    const inputs = [a.unsignedZero, this.#lowering.scalar("f32", scale), this.#lowering.scalar("u8", zero)];
    const tensor = this.#lowering.emit("QuantizeLinear", inputs);
    return term(tensor, "u8", this.#expression.quantise(a.value, quantisation), INT_RANGE.u8);
  }

  /** QuantizeLinear to u8 by a scale and a u8 zero point that are computed: both one for all elements. */
  quantiseBy(a: Term, scale: Term, zero: Term): Term {
    const { mayBeNaN } = divIntervals(a.range, scale.range);
    // onnxruntime divides in QuantizeLinear itself; a NaN has to be caught in between.
    const scaled = mayBeNaN ? this.div(a, scale) : undefined;
    const value = scaled?.value ?? this.#expression.apply("fdiv", a.value, scale.value);
    const inputs = scaled
      ? [scaled.unsignedZero, this.#lowering.scalar("f32", 1), zero.tensor]
      : [a.unsignedZero, scale.tensor, zero.tensor];
    const tensor = this.#lowering.emit("QuantizeLinear", inputs);
    return term(tensor, "u8", this.#expression.apply("quantise_u8", value, zero.value), INT_RANGE.u8);
  }

  /**
   * Makes the term a tensor of the trace.
   * @param output what it is, for people and for names
   */
  store(result: Term, output: string, layout: Layout = "as-first"): ExactValue {
    const operations = this.#expression.operations.length;
    if (operations > 64 || this.#operands.length > 8) {
      throw new FatalError(
        "COMPILE_INTERNAL",
        `${this.#name} needs ${operations} operations on ${this.#operands.length} operands.`,
      );
    }
    // The last value of an expression is its result.
    if (result.value !== operations - 1)
      this.#expression.select(this.#expression.int(1), result.value, result.value);
    const dtype: Dtype = DTYPE_OF[result.type];
    const views = this.#operands.map((view) => broadcastView(view, this.#dims));
    if (views.length === 0) views.push(broadcastView(this.#lowering.zeroView(), this.#dims));
    const label = output.startsWith(this.#name) ? output : this.#name;
    const view = mapInstruction(
      this.#lowering.program,
      label,
      result.tensor,
      dtype,
      views,
      this.#expression,
      layout,
    );
    return { tensor: result.tensor, dims: this.#dims, view, type: result.type, range: result.range };
  }

  #operand(view: View): number {
    this.#operands.push(view);
    return this.#operands.length - 1;
  }

  #once(key: string, make: () => Term): Term {
    const known = this.#loaded.get(key) ?? make();
    this.#loaded.set(key, known);
    return known;
  }

  #float(op: string, code: Opcode, terms: readonly Term[], outcome: Outcome): Term {
    const { min, max, mayBeNaN } = outcome;
    const result = this.#node(op, code, terms, "f32", { min, max });
    if (!mayBeNaN) return result;
    const isNumber = this.#node("Equal", "feq", [result, result], "bool", INT_RANGE.bool);
    return this.select(isNumber, result, this.float(0));
  }

  /** Processors disagree on the sign of max(-0, +0). */
  #extreme(op: string, code: Opcode, a: Term, b: Term, range: Interval): Term {
    const unsignedZero = this.#lowering.emit(op, [a.unsignedZero, b.unsignedZero]);
    const value = this.#expression.apply(code, a.value, b.value);
    if (range.min > 0 || range.max < 0) return term(unsignedZero, "f32", value, range);
    return this.#positiveZero(unsignedZero, value, range);
  }

  /** A term whose tensor may hold -0 where the program has +0: adding +0 makes it plus, where anybody looks. */
  #positiveZero(unsignedZero: string, value: number, range: Interval): Term {
    let tensor: string | undefined;
    const lowering = this.#lowering;
    return {
      unsignedZero,
      get tensor() {
        tensor ??= lowering.emit("Add", [unsignedZero, lowering.scalar("f32", 0)]);
        return tensor;
      },
      type: "f32",
      value,
      range,
    };
  }

  #node(
    op: string,
    code: Opcode,
    terms: readonly Term[],
    type: ProgramType,
    range: Interval,
    ignoresZeroSign = false,
  ): Term {
    const names = terms.map((each) => (ignoresZeroSign ? each.unsignedZero : each.tensor));
    const [a, b] = terms as [Term, Term?];
    return term(this.#lowering.emit(op, names), type, this.#expression.apply(code, a.value, b?.value), range);
  }

  #sameType(a: Term, b: Term): [Term, Term] {
    return a.type === b.type && a.type !== "u8" && a.type !== "i8" ? [a, b] : this.#widened(a, b);
  }

  /** onnxruntime has no arithmetic on 8-bit integers. */
  #widened(a: Term, b: Term): [Term, Term] {
    const to = a.type === "i64" || b.type === "i64" ? "i64" : "i32";
    return [this.castInt(a, to), this.castInt(b, to)];
  }
}

/** onnxruntime's Max and Min of i64 look at the low 32 bits alone. */
function withinInt32(...terms: readonly Term[]): boolean {
  return terms.every(({ range }) => range.min >= INT_RANGE.i32.min && range.max <= INT_RANGE.i32.max);
}

const INT_CODES = { Add: "iadd", Sub: "isub", Mul: "imul" } as const;
const LONG_CODES = { Add: "ladd", Sub: "lsub", Mul: "lmul" } as const;

function term(tensor: string, type: ProgramType, value: number, range: Interval): Term {
  return { tensor, unsignedZero: tensor, type, value, range };
}

function never(range: Interval): Outcome {
  return { ...range, mayBeNaN: false };
}

function square(range: Interval): Outcome {
  const { min, max } = absInterval(range);
  return { min: Math.fround(min * min), max: Math.fround(max * max), mayBeNaN: false };
}

/** The range of a wrapping integer operation: the whole type where it can wrap. */
function integerRange(op: "Add" | "Sub" | "Mul", a: Term, b: Term): Interval {
  const apply = {
    Add: (x: number, y: number) => x + y,
    Sub: (x: number, y: number) => x - y,
    Mul: (x: number, y: number) => x * y,
  };
  const ends = [a.range.min, a.range.max].flatMap((x) =>
    [b.range.min, b.range.max].map((y) => apply[op](x, y)),
  );
  const whole = INT_RANGE[a.type as "i32" | "i64"];
  const range = { min: Math.min(...ends), max: Math.max(...ends) };
  return range.min >= whole.min && range.max <= whole.max ? range : whole;
}
