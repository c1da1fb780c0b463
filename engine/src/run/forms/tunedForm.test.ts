import { describe, expect, test } from "vitest";
import { ModelBuilder } from "../../onnx/build.ts";
import { importModel } from "../../onnx/import.ts";
import { bytesOf, type HostTensor } from "../../onnx/tensor.ts";
import { portableForm } from "../kernelForms.ts";
import { isExactForAllWeights } from "../knownAnswers.ts";
import { createRawSession, runSession } from "../rawSession.ts";
import { drawFrom, filled, host, scalar } from "../vectors/vector.ts";
import { integerLayer } from "./integerLayer.ts";
import { layerProbe } from "./layerProbe.ts";
import { proveLayers } from "./proveLayers.ts";
import { tunedForm } from "./tunedForm.ts";

const LAST = "com.microsoft.QLinearConv";

interface Convolution {
  readonly op?: string;
  /** Sizes of the image. */
  readonly size?: readonly number[];
  readonly group?: number;
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

/** One convolution of weights [N, C / group, window...] and nothing else. */
function convolution(
  weight: HostTensor,
  { op = LAST, size = [5, 6], group = 1, attributes = {} }: Convolution = {},
) {
  const [outputs = 1, perGroup = 1] = weight.dims;
  const isLast = op === LAST;
  const image = (channels: number) => (isLast ? [1, ...size, channels] : [1, channels, ...size]);
  const model = new ModelBuilder(13).input("x", "u8", image(perGroup * group));
  for (const [name, tensor] of Object.entries(quantisation(outputs))) model.initializer(name, tensor);
  model.initializer("w", weight);
  const inputs = ["x", "scale", "x_zero", "w", "w_scale", "w_zero", "scale", "y_zero", "bias"];
  model.node(op, inputs, ["y"], { group, ...(isLast ? { channels_last: 1 } : {}), ...attributes });
  return { model: model.output("y", "u8", ["?", "?", "?", "?"]).encode(), xDims: image(perGroup * group) };
}

const quantisation = (outputs: number): Record<string, HostTensor> => ({
  scale: scalar("f32", 0.5),
  x_zero: scalar("u8", 119),
  w_scale: filled("f32", [outputs], (n) => 0.001 * (n + 1)),
  w_zero: scalar("i8", 0),
  y_zero: scalar("u8", 7),
  bias: filled("i32", [outputs], (n) => 100 * n),
});

/** Weights of 7 bits and two that are too large together. */
function weights(dims: readonly number[], large: Readonly<Record<number, number>>): HostTensor {
  const draw = drawFrom(`weights ${dims}`);
  const tensor = filled("i8", dims, () => draw.int(-20, 20));
  for (const [at, value] of Object.entries(large)) tensor.data[Number(at)] = value as never;
  return tensor;
}

async function isProven(model: Uint8Array, xDims: readonly number[]): Promise<boolean> {
  const graph = importModel(model);
  const [node] = graph.nodes;
  const layer = node && integerLayer(node, graph);
  const probe = layer && layerProbe(layer, graph, xDims);
  if (!probe) throw new Error("no probe");
  return (await proveLayers([probe]))[0] as boolean;
}

const product = (weight: HostTensor, rows: number) => {
  const [inner = 1, columns = 1] = weight.dims;
  const model = new ModelBuilder(13).input("x", "u8", [rows, inner]).initializer("w", weight);
  model.initializer("x_zero", scalar("u8", 9)).initializer("w_zero", scalar("i8", 0));
  model.node("MatMulInteger", ["x", "w", "x_zero", "w_zero"], ["y"]).output("y", "i32", [rows, columns]);
  return { model: model.encode(), xDims: [rows, inner] };
};

describe("layerProbe", () => {
  test("finds a single pair that saturates, of any sign, at any place and in any output, where the op's kernel saturates", async () => {
    const saturates = !(await isExactForAllWeights(LAST));
    const [outputs, channels] = [19, 37];
    for (const [n, k, sign] of [
      [0, 0, 1],
      [18, 34, -1],
      [7, 16, -1],
      [16, 2, 1],
      [18, 30, 1],
    ] as const) {
      const at = n * channels + k;
      const pair = { [at]: 127 * sign, [at + 1]: 2 * sign };
      const { model, xDims } = convolution(weights([outputs, channels, 1, 1], pair));
      expect([n, k, await isProven(model, xDims)]).toEqual([n, k, !saturates]);
      // The same numbers, harmless: of two signs, in two pairs, or with nothing beside them.
      for (const harmless of [
        { [at]: 127 * sign, [at + 1]: -2 * sign },
        { [at]: 0, [at + 1]: 127 * sign, [at + 2]: k + 2 < channels ? sign : 0 },
        { [at]: 127 * sign, [at + 1]: sign },
      ]) {
        const { model: other } = convolution(weights([outputs, channels, 1, 1], harmless));
        expect([n, k, harmless, await isProven(other, xDims)]).toEqual([n, k, harmless, true]);
      }
    }
  });

  test("windows, strides, dilations, pads, groups and images with channels first: a saturating pair is found, 7 bits are proven", async () => {
    const shapes: readonly (readonly [readonly number[], Convolution])[] = [
      [[8, 4, 3, 3], { attributes: { pads: [1, 1, 1, 1] } }],
      [[8, 4, 3, 3], { attributes: { pads: [1, 1, 0, 0], strides: [2, 2] }, size: [9, 8] }],
      [[8, 4, 3, 3], { attributes: { pads: [2, 2, 2, 2], dilations: [2, 2] }, size: [7, 11] }],
      [[8, 4, 3, 3], { op: "QLinearConv", attributes: { pads: [1, 1, 1, 1] } }],
      [[8, 8, 1, 1], { group: 2 }],
      [[6, 8, 5], { size: [17], attributes: { pads: [2, 2] } }],
    ];
    for (const [dims, shape] of shapes) {
      const op = shape.op ?? LAST;
      const saturates = !(await isExactForAllWeights(op));
      const places = dims.slice(2).reduce((count, size) => count * size, 1);
      // Channels 2 and 3 at the last place of the window, in output 5.
      const at = (5 * (dims[1] as number) + 2) * places + places - 1;
      const harmful = convolution(weights(dims, { [at]: -128, [at + places]: -100 }), shape);
      expect([dims, shape, await isProven(harmful.model, harmful.xDims)]).toEqual([dims, shape, !saturates]);
      const narrow = convolution(weights(dims, { [at]: -64, [at + places]: -64 }), shape);
      expect([dims, shape, await isProven(narrow.model, narrow.xDims)]).toEqual([dims, shape, true]);
    }
  });

  test("MatMulInteger of one row and of several: a saturating pair is found, harmless ones are proven", async () => {
    const saturates = !(await isExactForAllWeights("MatMulInteger"));
    for (const rows of [1, 5]) {
      const [inner, columns] = [70, 33];
      const at = 68 * columns + 32;
      const harmful = product(weights([inner, columns], { [at]: 100, [at + columns]: 100 }), rows);
      expect([rows, await isProven(harmful.model, harmful.xDims)]).toEqual([rows, !saturates]);
      const harmless = product(
        weights([inner, columns], {
          [at]: 100,
          [at - columns]: 100,
          [at + columns]: 0,
          [at - 2 * columns]: 0,
        }),
        rows,
      );
      expect([rows, await isProven(harmless.model, harmless.xDims)]).toEqual([rows, true]);
    }
  });

  test("a window that is never wholly inside the image has no probe", () => {
    const { model, xDims } = convolution(weights([2, 2, 3, 3], { 0: 127 }), {
      size: [2, 2],
      attributes: { pads: [1, 1, 1, 1] },
    });
    const graph = importModel(model);
    const layer = integerLayer(graph.nodes[0] as never, graph);
    expect(layer && layerProbe(layer, graph, xDims)).toBeUndefined();
  });
});

/** Convolution, depthwise convolution, pool, convolution, as in the blocks of MobileNet, of any int8 weights. */
function block(channels: number, outputs: number): Uint8Array {
  const draw = drawFrom(`block ${channels} ${outputs}`);
  const any = (dims: readonly number[], largest: number) =>
    filled("i8", dims, () =>
      Math.max(-128, Math.min(127, Math.round((draw.int(-99, 99) / 99) ** 3 * largest))),
    );
  const model = new ModelBuilder(13).input("x", "u8", [1, 6, 7, 5]);
  for (const [prefix, count] of [
    ["a", channels],
    ["b", channels],
    ["c", outputs],
  ] as const)
    for (const [name, tensor] of Object.entries(quantisation(count)))
      model.initializer(prefix + name, tensor);
  model.initializer("aw", any([channels, 5, 1, 1], 127)).initializer("bw", any([channels, 1, 3, 3], 127));
  model.initializer("cw", any([outputs, channels, 1, 1], 127));
  const inputs = (x: string, p: string) => [
    x,
    `${p}scale`,
    `${p}x_zero`,
    `${p}w`,
    `${p}w_scale`,
    `${p}w_zero`,
    `${p}scale`,
    `${p}y_zero`,
    `${p}bias`,
  ];
  model.node(LAST, inputs("x", "a"), ["a"], { channels_last: 1 });
  model.node(LAST, inputs("a", "b"), ["b"], { channels_last: 1, group: channels, pads: [1, 1, 1, 1] });
  model.node("com.microsoft.NhwcMaxPool", ["b"], ["p"], { kernel_shape: [2, 2] });
  model.node(LAST, inputs("p", "c"), ["y"], { channels_last: 1 });
  return model.output("y", "u8", [1, 5, 6, outputs]).encode();
}

async function run(model: Uint8Array, x: HostTensor): Promise<Buffer> {
  const session = await createRawSession(model, { intraOpNumThreads: 1 });
  const { y } = await runSession(session, { x });
  await session.release();
  return Buffer.from(bytesOf(y as HostTensor));
}

describe("tunedForm", () => {
  test("channels in another order, doubled where need be: the same bytes as all u8 x u8, with the last weights still int8", async () => {
    for (const [channels, outputs] of [
      [24, 9],
      [33, 20],
      [48, 4],
    ] as const) {
      const model = block(channels, outputs);
      const tuned = await tunedForm(model, { isExact: async () => false, prove: proveLayers });
      const graph = importModel(tuned);
      const types = graph.nodes.flatMap((node) => graph.initializers.get(node.inputs[3] ?? "")?.type ?? []);
      expect(types.slice(1)).toEqual(["i8", "i8"]);
      const draw = drawFrom(`x ${channels}`);
      for (let round = 0; round < 5; round++) {
        const x = filled("u8", [1, 6, 7, 5], () => (round === 0 ? draw.pick([0, 255]) : draw.int(0, 255)));
        expect((await run(tuned, x)).equals(await run(portableForm(model), x))).toBe(true);
      }
    }
  });

  test("what is not proven is run as u8 x u8; what is exact for all weights is not touched", async () => {
    const model = block(24, 9);
    expect(await tunedForm(model, { isExact: async () => true, prove: proveLayers })).toBe(model);
    const none = await tunedForm(model, { isExact: async () => false, prove: async () => [] });
    const graph = importModel(none);
    for (const node of graph.nodes) {
      const weight = graph.initializers.get(node.inputs[3] ?? "");
      if (weight) expect(weight.type).toBe("u8");
    }
    const x = host("u8", [1, 6, 7, 5], new Uint8Array(210).fill(255));
    expect((await run(none, x)).equals(await run(portableForm(model), x))).toBe(true);
  });
});
