import { describe, expect, test } from "vitest";
import { ModelBuilder } from "../../onnx/build.ts";
import { importModel } from "../../onnx/import.ts";
import { bytesOf, type HostTensor } from "../../onnx/tensor.ts";
import { createRawSession, runSession } from "../rawSession.ts";
import { type Draw, drawFrom, filled } from "../vectors/vector.ts";
import { blockedForm } from "./blockedForm.ts";
import { blockSize } from "./blockSize.ts";

const isX86 = process.arch === "x64";

/** A network of whole numbers: convolutions of all kinds, with what stands between them in exact graphs. */
function network(draw: Draw) {
  const channels = draw.int(1, 40);
  const [height, width] = [draw.int(3, 14), draw.int(3, 14)];
  const model = new ModelBuilder(21);
  model.input("x", "f32", [1, 3, height, width]);
  const scalar = (name: string, value: number) =>
    model.initializer(name, { type: "f32", dims: [], data: Float32Array.of(value) });
  for (const [name, value] of Object.entries({ step: 0.01, low: -100, high: 100, three: 3 }))
    scalar(name, value);
  let count = 0;
  const node = (op: string, inputs: readonly string[], attributes = {}) => {
    const output = `v${count++}`;
    model.node(op, inputs, [output], attributes);
    return output;
  };
  const constant = (dims: readonly number[], most: number, least = -most) => {
    const name = `c${count++}`;
    model.initializer(
      name,
      filled("f32", dims, () => draw.int(least, most)),
    );
    return name;
  };
  const whole = (x: string) => node("Round", [node("Clip", [node("Mul", [x, "step"]), "low", "high"])]);
  const pads = [1, 1, 1, 1];
  const convolve = (x: string, from: number, to: number) =>
    node("Conv", [x, constant([to, from, 3, 3], 50), constant([to], 999)], { pads });

  const first = node("Relu", [convolve("x", 3, channels)]);
  const scaled = node("Mul", [first, constant([1, channels, 1, 1], 9, 1)]);
  const q = whole(scaled);
  const deep = node("Conv", [q, constant([channels, 1, 3, 3], 90), constant([channels], 999)], {
    group: channels,
    pads,
  });
  const swish = node("Mul", [deep, node("Clip", [node("Add", [deep, "three"]), "low", "high"])]);
  const means = node("ReduceMax", [swish, "axes"]);
  model.initializer("axes", { type: "i64", dims: [2], data: BigInt64Array.of(2n, 3n) });
  const excited = whole(node("Mul", [swish, node("Clip", [means, "low", "high"])]));
  const sum = whole(node("Add", [excited, q]));
  const pooled = node("MaxPool", [sum], { kernel_shape: [3, 3], pads, strides: [1, 1] });
  const last = node("Transpose", [convolve(pooled, channels, 8)], { perm: [0, 2, 3, 1] });
  const back = node("Transpose", [node("Neg", [last])], { perm: [0, 3, 1, 2] });
  const end = node("Conv", [whole(back), constant([5, 8, 1, 1], 99), constant([5], 9)]);
  for (const name of [sum, end]) model.output(name, "f32", ["a", "b", "c", "d"]);
  const feeds = { x: filled("f32", [1, 3, height, width], () => draw.int(-200, 200)) };
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

describe.runIf(isX86)("blocked images (only on x86 is the layout known to be there)", () => {
  test("this CPU has blocks of 8 or 16", async () => {
    expect([8, 16]).toContain(await blockSize());
  });

  test("networks give the same bytes in blocks", async () => {
    const seed = process.env.SURETY_FUZZ_SEED ?? String(Date.now());
    console.log(`SURETY_FUZZ_SEED=${seed}`);
    for (let round = 0; round < 12; round++) {
      const { model, feeds } = network(drawFrom(`blocked ${seed} ${round}`));
      const blocked = await blockedForm(model, blockSize);
      const isBlocked = importModel(blocked).nodes.some(({ domain }) => domain === "com.microsoft.nchwc");
      expect(isBlocked).toBe(true);
      expect([round, await outputs(blocked, feeds)]).toEqual([round, await outputs(model, feeds)]);
    }
  });
});

test("a graph without convolutions, and one on a CPU without blocks, stays as it is", async () => {
  const plain = new ModelBuilder(21)
    .input("x", "f32", [4])
    .node("Relu", ["x"], ["y"])
    .output("y", "f32", [4])
    .encode();
  expect(await blockedForm(plain, blockSize)).toBe(plain);
  const { model } = network(drawFrom("unblocked"));
  expect(await blockedForm(model, async () => undefined)).toBe(model);
});
