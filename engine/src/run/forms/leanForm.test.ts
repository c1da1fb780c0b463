import { expect, test } from "vitest";
import { ModelBuilder } from "../../onnx/build.ts";
import { importModel } from "../../onnx/import.ts";
import { bytesOf, ELEMENT_TYPES, type HostTensor } from "../../onnx/tensor.ts";
import { createRawSession, runSession } from "../rawSession.ts";
import { type Draw, drawFrom, filled } from "../vectors/vector.ts";
import { blockedForm } from "./blockedForm.ts";
import { blockSize } from "./blockSize.ts";
import { leanForm } from "./leanForm.ts";

/** What exact graphs have between convolutions of whole numbers: steps, limits, hard swishes, sums of two planes, means. */
function network(draw: Draw) {
  const channels = draw.int(1, 20);
  const [height, width] = [draw.int(3, 12), draw.int(3, 12)];
  const model = new ModelBuilder(21).input("x", "f32", [1, 4, height, width]);
  let count = 0;
  const node = (op: string, inputs: readonly string[], attributes = {}) => {
    const output = `v${count++}`;
    model.node(op, inputs, [output], attributes);
    return output;
  };
  const constant = (tensor: HostTensor) => {
    const name = `c${count++}`;
    model.initializer(name, tensor);
    return name;
  };
  const scalar = (value: number) => constant({ type: "f32", dims: [], data: Float32Array.of(value) });
  /** Filters and biases are whole multiples of a power of two, as sums on rungs 2 and 3 are. */
  const convolve = (x: string, from: number, to: number, size = 3) => {
    const unit = 2 ** -draw.int(6, 12);
    const numbers = (dims: readonly number[], most: number) =>
      constant(filled("f32", dims, () => unit * draw.int(-most, most)));
    const pads = Array.from({ length: 4 }, () => (size - 1) / 2);
    return node("Conv", [x, numbers([to, from, size, size], 40), numbers([to], 9999)], { pads });
  };
  const held = (x: string, low: number, high: number) => node("Clip", [x, scalar(low), scalar(high)]);
  const whole = (x: string, power: number, most: number) =>
    node("Round", [held(node("Mul", [x, scalar(2 ** power)]), -most, most)]);
  const swish = (x: string) => node("Mul", [x, held(node("Add", [x, scalar(3)]), 0, 6)]);

  const plain = whole(node("Relu", [convolve("x", 4, channels)]), draw.int(-2, 3), draw.int(50, 300));
  const swished = whole(swish(convolve(plain, channels, channels)), 2 * draw.int(-1, 2), draw.int(40, 400));
  const planes = node("Add", [convolve(swished, channels, channels), convolve(swished, channels, channels)]);
  const shifted = node("Mul", [swish(planes), scalar(4 ** draw.int(-1, 1))]);
  const last = node("Round", [held(node("Add", [shifted, scalar(0.37)]), -90, 90)]);
  const relu6 = node("Mul", [held(convolve(last, channels, channels, 1), 0, 6), scalar(2 ** draw.int(2, 6))]);
  const pixels = node("Round", [relu6]);
  const cast = (x: string, type: keyof typeof ELEMENT_TYPES) =>
    node("Cast", [x], { to: ELEMENT_TYPES[type].code });
  const axes = constant({ type: "i64", dims: [2], data: BigInt64Array.of(2n, 3n) });
  const sum = cast(node("ReduceSum", [cast(cast(pixels, "i32"), "f64"), axes]), "i32");
  const mean = node("Mul", [cast(sum, "f32"), scalar(Math.fround(1 / (height * width)))]);
  const signed = convolve(pixels, channels, channels);
  const bytes = node("QuantizeLinear", [
    signed,
    scalar(0.0371),
    constant({ type: "u8", dims: [], data: Uint8Array.of(draw.int(0, 255)) }),
  ]);
  const window = { kernel_shape: [2, 3], strides: [draw.int(1, 2), 2], pads: [1, 1, 0, 1] };
  const largest = node("MaxPool", [bytes], window);
  model.output(node("Transpose", [largest], { perm: [0, 2, 3, 1] }), "u8", ["a", "b", "c", "d"]);
  for (const name of [last, pixels, mean]) model.output(name, "f32", ["a", "b", "c", "d"]);
  const feeds = { x: filled("f32", [1, 4, height, width], () => draw.int(-200, 200)) };
  return { model: model.encode(), feeds };
}

async function outputs(model: Uint8Array, feeds: Readonly<Record<string, HostTensor>>) {
  const session = await createRawSession(model, { intraOpNumThreads: 1 });
  try {
    return Object.values(await runSession(session, feeds)).map(bytesOf);
  } finally {
    await session.release();
  }
}

const count = (model: Uint8Array, op: string) =>
  importModel(model).nodes.filter((node) => node.op === op).length;

test("networks of whole numbers give the same bytes in fewer nodes, in blocks and without", async () => {
  const seed = process.env.SURETY_FUZZ_SEED ?? String(Date.now());
  console.log(`SURETY_FUZZ_SEED=${seed}`);
  for (let round = 0; round < 12; round++) {
    const { model, feeds } = network(drawFrom(`lean ${seed} ${round}`));
    const lean = leanForm(model);
    // Left are the two products of swishes and the mean's factor.
    expect([count(model, "Mul"), count(lean, "Mul")]).toEqual([7, 3]);
    const at = (op: string) => importModel(lean).nodes.findIndex((node) => node.op === op);
    expect(at("MaxPool")).toBeLessThan(at("QuantizeLinear"));
    expect([count(model, "Cast"), count(lean, "Cast")]).toEqual([4, 3]);
    const expected = await outputs(model, feeds);
    expect([round, await outputs(lean, feeds)]).toEqual([round, expected]);
    expect([round, await outputs(await blockedForm(lean, blockSize), feeds)]).toEqual([round, expected]);
  }
});

test("a power of two stays where somebody else reads the value, and anything else stays", () => {
  const model = new ModelBuilder(21).input("x", "f32", [1, 1, 4, 4]);
  model.initializer(
    "w",
    filled("f32", [2, 1, 1, 1], () => 3),
  );
  model.initializer(
    "b",
    filled("f32", [2], () => 1),
  );
  model.initializer("four", { type: "f32", dims: [], data: Float32Array.of(4) });
  model.initializer("three", { type: "f32", dims: [], data: Float32Array.of(3) });
  model.node("Conv", ["x", "w", "b"], ["read"]).node("Mul", ["read", "four"], ["y"]);
  model.node("Conv", ["y", "w2", "b"], ["own"]).node("Mul", ["own", "three"], ["z"]);
  model.initializer(
    "w2",
    filled("f32", [2, 2, 1, 1], () => 5),
  );
  for (const name of ["read", "z"]) model.output(name, "f32", [1, 2, 4, 4]);
  expect(count(leanForm(model.encode()), "Mul")).toBe(2);
});
