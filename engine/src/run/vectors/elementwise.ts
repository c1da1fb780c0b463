import { ELEMENT_TYPES, type ElementType, type HostTensor, type TensorData } from "../../onnx/tensor.ts";
import { edgeValue } from "./edgeValues.ts";
import { type Draw, defineVector, filled, host, type KernelVector, scalar } from "./vector.ts";

/** Not a multiple of any vector register, and more than several of them. */
const COUNT = 1_003;

type Value = number | bigint;
interface Elementwise {
  readonly name: string;
  readonly types: readonly ElementType[];
  readonly out: ElementType;
  /** The value in doubles or bigints, before it is stored. Undefined where it is left open: other operands are drawn. */
  readonly value: (...operands: never[]) => Value | undefined;
  readonly attributes?: Readonly<Record<string, number>>;
  /** Add +0.0 to what comes out: the sign of a zero is not the same everywhere. */
  readonly positiveZero?: true;
  /** i64 operands have at most so many bits: the kernel is wrong beyond. */
  readonly bits?: number;
}

/** Stores values as the type does: wrapped, or rounded to binary32. */
export function store(type: ElementType, values: readonly Value[]): TensorData {
  if (type === "i64") return BigInt64Array.from(values, (value) => BigInt.asIntN(64, BigInt(value)));
  return (ELEMENT_TYPES[type].array as typeof Float32Array).from(values.map(Number)) as TensorData;
}

function elementwise(what: Elementwise): KernelVector {
  const { name, types, out, attributes = {}, positiveZero, bits } = what;
  const op = name.split(" ", 1)[0] as string;
  const value = what.value as (...operands: Value[]) => Value | undefined;
  return defineVector(name, (draw) => {
    const operands: Value[][] = types.map(() => []);
    const results: Value[] = [];
    while (results.length < COUNT) {
      const drawn = types.map((type) => {
        const operand = edgeValue(draw, type);
        return bits === undefined ? operand : BigInt.asIntN(bits, BigInt(operand));
      });
      const result = value(...drawn);
      if (result === undefined || Number.isNaN(result)) continue;
      drawn.forEach((operand, index) => {
        operands[index]?.push(operand);
      });
      results.push(positiveZero ? Number(result) + 0 : result);
    }
    const names = types.map((_, index) => `x${index}`);
    return {
      feeds: Object.fromEntries(
        types.map((type, index) => [`x${index}`, host(type, [COUNT], operands[index] ?? [])]),
      ),
      ...(positiveZero ? { initializers: { zero: scalar("f32", 0) } } : {}),
      nodes(model) {
        model.node(op, names, [positiveZero ? "signed" : "y"], attributes);
        if (positiveZero) model.node("Add", ["signed", "zero"], ["y"]);
      },
      outputs: { y: [out, [COUNT]] },
      expected: () => [store(out, results)],
    };
  });
}

/** RNE, with the sign of the number where the result is zero. */
export function roundToEven(value: number): number {
  if (!Number.isFinite(value) || Math.abs(value) >= 2 ** 52) return value;
  const floor = Math.floor(value);
  const rest = value - floor;
  const rounded = rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
  return rounded === 0 && (value < 0 || Object.is(value, -0)) ? -0 : rounded;
}

const FLOATS = ["f32", "f32"] as const;
const arithmetic: readonly Elementwise[] = [
  { name: "Add f32", types: FLOATS, out: "f32", value: (a: number, b: number) => a + b },
  { name: "Sub f32", types: FLOATS, out: "f32", value: (a: number, b: number) => a - b },
  { name: "Mul f32", types: FLOATS, out: "f32", value: (a: number, b: number) => a * b },
  { name: "Div f32", types: FLOATS, out: "f32", value: (a: number, b: number) => a / b },
  { name: "Sqrt f32", types: ["f32"], out: "f32", value: (a: number) => Math.sqrt(a) },
  { name: "Floor f32", types: ["f32"], out: "f32", value: (a: number) => Math.floor(a) },
  { name: "Ceil f32", types: ["f32"], out: "f32", value: (a: number) => Math.ceil(a) },
  { name: "Round f32", types: ["f32"], out: "f32", value: roundToEven },
  { name: "Abs f32", types: ["f32"], out: "f32", value: (a: number) => Math.abs(a) },
  { name: "Neg f32", types: ["f32"], out: "f32", value: (a: number) => -a },
  { name: "Sign f32", types: ["f32"], out: "f32", value: (a: number) => Math.sign(a), positiveZero: true },
  {
    name: "Max f32",
    types: FLOATS,
    out: "f32",
    value: (a: number, b: number) => Math.max(a, b),
    positiveZero: true,
  },
  {
    name: "Max f32 of three",
    types: ["f32", "f32", "f32"],
    out: "f32",
    value: (a: number, b: number, c: number) => Math.max(a, b, c),
    positiveZero: true,
  },
  {
    name: "Min f32",
    types: FLOATS,
    out: "f32",
    value: (a: number, b: number) => Math.min(a, b),
    positiveZero: true,
  },
  { name: "Relu f32", types: ["f32"], out: "f32", value: (a: number) => Math.max(a, 0), positiveZero: true },
];

function integerArithmetic(type: "i32" | "i64"): Elementwise[] {
  const pair = [type, type] as const;
  const big =
    (value: (a: bigint, b: bigint) => bigint | undefined) =>
    (a: Value, b: Value = 0): Value | undefined => {
      const result = value(BigInt(a), BigInt(b));
      if (result === undefined || type === "i64") return result;
      return Number(BigInt.asIntN(32, result));
    };
  const least = type === "i32" ? -(2n ** 31n) : -(2n ** 63n);
  /** A division by zero or of the least number by -1 kills the process on x86. */
  const divides = (a: bigint, b: bigint) => b !== 0n && !(a === least && b === -1n);
  const largest = (a: bigint, b: bigint) => (a > b ? a : b);
  const smallest = (a: bigint, b: bigint) => (a < b ? a : b);
  const one = [type] as const;
  // onnxruntime's x86 build compares the low halves of i64 as signed numbers in Max, Min, Clip and Sign: right within int32 only. Its
  // Mod with fmod goes through doubles.
  const comparable = type === "i64" ? { bits: 32 } : {};
  const inDoubles = type === "i64" ? { bits: 53 } : {};
  return [
    { name: `Add ${type}`, types: pair, out: type, value: big((a, b) => a + b) },
    { name: `Sub ${type}`, types: pair, out: type, value: big((a, b) => a - b) },
    { name: `Mul ${type}`, types: pair, out: type, value: big((a, b) => a * b) },
    {
      name: `Div ${type}`,
      types: pair,
      out: type,
      value: big((a, b) => (divides(a, b) ? a / b : undefined)),
    },
    {
      name: `Mod ${type} fmod`,
      types: pair,
      out: type,
      attributes: { fmod: 1 },
      ...inDoubles,
      value: big((a, b) => (divides(a, b) ? a % b : undefined)),
    },
    {
      name: `Mod ${type}`,
      types: pair,
      out: type,
      value: big((a, b) => (divides(a, b) ? ((a % b) + b) % b : undefined)),
    },
    { name: `Max ${type}`, types: pair, out: type, value: big(largest), ...comparable },
    { name: `Min ${type}`, types: pair, out: type, value: big(smallest), ...comparable },
    {
      name: `Abs ${type}`,
      types: one,
      out: type,
      value: big((a) => (a === least ? undefined : a < 0n ? -a : a)),
    },
    { name: `Neg ${type}`, types: one, out: type, value: big((a) => (a === least ? undefined : -a)) },
    {
      name: `Sign ${type}`,
      types: one,
      out: type,
      value: big((a) => (a > 0n ? 1n : a < 0n ? -1n : 0n)),
      ...comparable,
    },
  ];
}

function comparisons(type: ElementType): Elementwise[] {
  const types = [type, type] as const;
  const out = "bool" as const;
  // Half of the pairs are equal, or no equal pair would ever come.
  const compare = (name: string, of: (a: Value, b: Value) => boolean): Elementwise => ({
    name: `${name} ${type}`,
    types,
    out,
    value: (a: Value, b: Value) => (of(a, b) ? 1 : 0),
  });
  const equal = compare("Equal", (a, b) => a === b);
  if (type === "bool" || type === "u8" || type === "i8") return [equal];
  return [
    equal,
    compare("Less", (a, b) => a < b),
    compare("Greater", (a, b) => a > b),
    compare("LessOrEqual", (a, b) => a <= b),
    compare("GreaterOrEqual", (a, b) => a >= b),
  ];
}

const logic: readonly Elementwise[] = [
  { name: "And", types: ["bool", "bool"], out: "bool", value: (a: number, b: number) => a & b },
  { name: "Or", types: ["bool", "bool"], out: "bool", value: (a: number, b: number) => a | b },
  { name: "Xor", types: ["bool", "bool"], out: "bool", value: (a: number, b: number) => a ^ b },
  { name: "Not", types: ["bool"], out: "bool", value: (a: number) => 1 - a },
  ...(["u8", "i32", "i64", "f32"] as const).map(
    (type): Elementwise => ({
      name: `Where ${type}`,
      types: ["bool", type, type],
      out: type,
      value: (condition: number, a: Value, b: Value) => (condition ? a : b),
      // onnxruntime's Where makes a -0 of its second operand +0, not one of its third.
      ...(type === "f32" ? { positiveZero: true } : {}),
    }),
  ),
];

const CAST_RANGES: Partial<Record<ElementType, readonly [number, number]>> = {
  u8: [0, 255],
  i8: [-128, 127],
  i32: [-(2 ** 31), 2 ** 31 - 1],
};

/** Casts whose value fits the new type, and those of integers that wrap. */
function cast(from: ElementType, to: ElementType): Elementwise {
  const value = (a: Value): Value | undefined => {
    if (to === "bool") return a ? 1 : 0;
    if (from !== "f32") return to === "i64" || typeof a === "number" ? a : narrow(a, to);
    if (to === "f32") return a;
    const whole = Math.trunc(Number(a));
    const [low, high] = CAST_RANGES[to] ?? [-(2 ** 62), 2 ** 62];
    return whole >= low && whole <= high ? whole : undefined;
  };
  return {
    name: `Cast ${from} to ${to}`,
    types: [from],
    out: to,
    attributes: { to: ELEMENT_TYPES[to].code },
    value,
  };
}

/** An i64 as another type has it: its low bits, or the nearest binary32. */
function narrow(value: bigint, to: ElementType): Value {
  if (to !== "f32") return Number(BigInt.asIntN(32, value));
  // Rounding to a double first may round twice: cut to 62 bits is done by the caller's draw; sticky bit by hand.
  const magnitude = value < 0n ? -value : value;
  const excess = magnitude.toString(2).length - 30;
  if (excess <= 0) return Math.fround(Number(value));
  const kept = magnitude >> BigInt(excess);
  const sticky = kept << BigInt(excess) === magnitude ? 0n : 1n;
  const rounded = Math.fround(Number(kept * 2n + sticky)) * 2 ** (excess - 1);
  return value < 0n ? -rounded : rounded;
}

const CASTS: readonly (readonly [ElementType, ElementType])[] = [
  ["f32", "i32"],
  ["f32", "i64"],
  ["f32", "u8"],
  ["f32", "i8"],
  ["f32", "bool"],
  ["i32", "f32"],
  ["i64", "f32"],
  ["u8", "f32"],
  ["i8", "f32"],
  ["bool", "f32"],
  ["u8", "i32"],
  ["i8", "i32"],
  ["bool", "i32"],
  ["u8", "i64"],
  ["i32", "u8"],
  ["i32", "i8"],
  ["i32", "i64"],
  ["i32", "bool"],
  ["i64", "i32"],
  ["i64", "bool"],
  ["u8", "i8"],
  ["i8", "u8"],
  ["bool", "u8"],
];

function clip(type: ElementType, low: number, high: number): KernelVector {
  return defineVector(`Clip ${type} ${low} to ${high}`, (draw) => {
    // i64 within int32: see integerArithmetic.
    const drawType = type === "i64" ? "i32" : type;
    const x = filled(type, [COUNT], () => edgeValue(draw, drawType));
    const values = Array.from<Value>(x.data as never).map((value) =>
      Math.min(Math.max(Number(value), low), high),
    );
    const isFloat = type === "f32";
    return {
      feeds: { x },
      initializers: {
        low: scalar(type, low),
        high: scalar(type, high),
        ...(isFloat ? { zero: scalar("f32", 0) } : {}),
      },
      nodes(model) {
        model.node("Clip", ["x", "low", "high"], [isFloat ? "signed" : "y"]);
        if (isFloat) model.node("Add", ["signed", "zero"], ["y"]);
      },
      outputs: { y: [type, [COUNT]] },
      expected: () => [store(type, isFloat ? values.map((value) => Number(value) + 0) : values)],
    };
  });
}

/** As docs/exact-profile.md has it: RNE(clamp(x / s, low - zero, high - zero)) + zero. */
export function quantised(x: number, scale: number, zero: number, [low, high]: readonly [number, number]) {
  const scaled = Math.fround(x / scale);
  return roundToEven(Math.min(Math.max(scaled, low - zero), high - zero)) + zero;
}

function quantize(type: "u8" | "i8", scale: number, zero: number): KernelVector {
  return defineVector(`QuantizeLinear ${type} ${scale}`, (draw) => {
    const x = quantisable(draw, scale);
    const range = type === "u8" ? ([0, 255] as const) : ([-128, 127] as const);
    return {
      feeds: { x },
      initializers: { scale: scalar("f32", scale), zero: scalar(type, zero) },
      nodes: (model) => void model.node("QuantizeLinear", ["x", "scale", "zero"], ["y"]),
      outputs: { y: [type, [COUNT]] },
      expected: () => [
        store(
          type,
          Array.from(x.data as Float32Array, (value) => quantised(value, Math.fround(scale), zero, range)),
        ),
      ],
    };
  });
}

/** Half of the numbers are ties of the scale, or next to one. */
function quantisable(draw: Draw, scale: number): HostTensor {
  return filled("f32", [COUNT], () =>
    draw.int(0, 1) === 0
      ? Math.fround(Math.fround(scale) * (draw.int(-600, 600) / 2))
      : edgeValue(draw, "f32"),
  );
}

function dequantize(type: "u8" | "i8" | "i32", scale: number, zero: number): KernelVector {
  return defineVector(`DequantizeLinear ${type} ${scale}`, (draw) => {
    const x = filled(type, [COUNT], () => edgeValue(draw, type));
    return {
      feeds: { x },
      initializers: { scale: scalar("f32", scale), zero: scalar(type, zero) },
      nodes: (model) => void model.node("DequantizeLinear", ["x", "scale", "zero"], ["y"]),
      outputs: { y: ["f32", [COUNT]] },
      expected: () => [
        store(
          "f32",
          Array.from(x.data as Int32Array, (q) => Math.fround(q - zero) * Math.fround(scale)),
        ),
      ],
    };
  });
}

function dynamicQuantize(name: string, next: (draw: Draw) => number): KernelVector {
  return defineVector(`DynamicQuantizeLinear ${name}`, (draw) => {
    const x = filled("f32", [7, 61], () => Math.fround(next(draw)));
    const values = Array.from(x.data as Float32Array);
    return {
      feeds: { x },
      nodes: (model) => void model.node("DynamicQuantizeLinear", ["x"], ["y", "scale", "zero"]),
      outputs: { y: ["u8", [7, 61]], scale: ["f32", []], zero: ["u8", []] },
      expected: () => {
        const least = Math.min(0, ...values);
        const most = Math.max(0, ...values);
        const scale = most === least ? 1 : Math.fround(Math.fround(most - least) / 255);
        const zero = roundToEven(Math.min(Math.max(Math.fround(0 - Math.fround(least / scale)), 0), 255));
        const y = values.map((value) => quantised(value, scale, zero, [0, 255]));
        return [store("u8", y), store("f32", [scale]), store("u8", [zero])];
      },
    };
  });
}

/** A multiplication and an addition after it round twice: no kernel may make one operation of them. */
const unfused: KernelVector = defineVector("Mul then Add", (draw) => {
  const dims = [COUNT];
  const [a, b, c] = [1, 2, 3].map(() =>
    filled("f32", dims, () => Math.fround(draw.int(-(2 ** 24), 2 ** 24) / 1_000)),
  );
  const at = (tensor: HostTensor | undefined, index: number) => tensor?.data[index] as number;
  return {
    feeds: { a: a as HostTensor, b: b as HostTensor, c: c as HostTensor },
    nodes: (model) => void model.node("Mul", ["a", "b"], ["ab"]).node("Add", ["ab", "c"], ["y"]),
    outputs: { y: ["f32", dims] },
    expected: () => [
      Float32Array.from({ length: COUNT }, (_, i) => Math.fround(at(a, i) * at(b, i)) + at(c, i)),
    ],
  };
});

/** Powers of two as the exact exponential makes them: a bit shifted by a float that is cast. */
const powers: KernelVector = defineVector("BitShift one by floats", (draw) => {
  const exponents = Array.from({ length: COUNT }, (_, index) => (index < 32 ? index : draw.int(0, 31)));
  return {
    feeds: { x: host("f32", [COUNT], exponents) },
    initializers: { one: scalar("u32", 1) },
    nodes(model) {
      model.node("Cast", ["x"], ["by"], { to: ELEMENT_TYPES.u32.code });
      model.node("BitShift", ["one", "by"], ["shifted"], { direction: "LEFT" });
      model.node("Cast", ["shifted"], ["y"], { to: ELEMENT_TYPES.f32.code });
    },
    outputs: { y: ["f32", [COUNT]] },
    expected: () => [Float32Array.from(exponents, (exponent) => 2 ** exponent)],
  };
});

/** Single IEEE operations, integer operations, comparisons, casts and quantisation, element by element. */
export const ELEMENTWISE: readonly KernelVector[] = [
  ...[
    ...arithmetic,
    ...integerArithmetic("i32"),
    ...integerArithmetic("i64"),
    ...(["f32", "i32", "i64", "bool"] as const).flatMap(comparisons),
    ...logic,
    ...CASTS.map(([from, to]) => cast(from, to)),
  ].map(elementwise),
  unfused,
  powers,
  clip("f32", -1.5, 6),
  clip("f32", 0, 255),
  clip("i32", -1_000, 70_000),
  clip("i64", -5, 2 ** 30),
  clip("u8", 3, 200),
  clip("i8", -100, 64),
  quantize("u8", 0.1, 128),
  quantize("u8", 0.0078125, 0),
  quantize("i8", 0.37, -3),
  dequantize("u8", 0.1, 128),
  dequantize("i8", 0.37, -3),
  dequantize("i32", 0.0123, 0),
  dynamicQuantize("either sign", (draw) => draw.int(-900, 700) / 64),
  dynamicQuantize("positive", (draw) => draw.int(5, 700) / 3),
  dynamicQuantize("negative", (draw) => draw.int(-700, -3) / 7),
  dynamicQuantize("zeros", () => 0),
];
