import { describe, expect, test } from "vitest";
import type { AttributeInput } from "../../../onnx/build.ts";
import { encodeGraph } from "../../../onnx/encodeGraph.ts";
import { importModel } from "../../../onnx/import.ts";
import type { HostTensor } from "../../../onnx/tensor.ts";
import { createRawSession, runSession } from "../../../run/rawSession.ts";
import { compileAndCompare, randomSamples, randomTensor, smallModel } from "../../../testing/compileSmall.ts";
import { prepareModel } from "../prepareModel.ts";

type Dims = readonly number[];

/** One node; operands listed in `constants` are initializers, the others inputs. */
function single(
  op: string,
  operands: Readonly<Record<string, Dims>>,
  constants: readonly string[],
  output: Dims,
  attributes: Readonly<Record<string, AttributeInput>> = {},
) {
  const names = Object.keys(operands);
  const inputs = Object.fromEntries(Object.entries(operands).filter(([name]) => !constants.includes(name)));
  return smallModel(14, inputs, { y: output }, (m, random) => {
    for (const name of constants) m.initializer(name, randomTensor(random, operands[name] as Dims));
    m.node(op, names, ["y"], attributes);
  });
}

const transposed: Record<string, ReturnType<typeof single>> = {
  "2x2, stride 2": single(
    "ConvTranspose",
    { x: [1, 3, 4, 5], w: [3, 4, 2, 2], b: [4] },
    ["w", "b"],
    [1, 4, 8, 10],
    { strides: [2, 2] },
  ),
  "stride 1": single("ConvTranspose", { x: [2, 3, 4, 5], w: [3, 4, 3, 3] }, ["w"], [2, 4, 6, 7]),
  "4x4, stride 2, pads 1": single(
    "ConvTranspose",
    { x: [1, 3, 4, 5], w: [3, 2, 4, 4] },
    ["w"],
    [1, 2, 8, 10],
    { strides: [2, 2], pads: [1, 1, 1, 1] },
  ),
  "uneven strides and pads, output_padding": single(
    "ConvTranspose",
    { x: [1, 2, 3, 3], w: [2, 3, 3, 3], b: [3] },
    ["w", "b"],
    [1, 3, 9, 6],
    { strides: [3, 2], pads: [0, 1, 1, 1], output_padding: [1, 1] },
  ),
  "groups, dilations": single("ConvTranspose", { x: [1, 4, 3, 4], w: [4, 3, 3, 2] }, ["w"], [1, 6, 9, 11], {
    group: 2,
    strides: [2, 3],
    dilations: [2, 1],
  }),
  output_shape: single("ConvTranspose", { x: [1, 1, 3, 3], w: [1, 2, 3, 3] }, ["w"], [1, 2, 10, 8], {
    strides: [3, 2],
    output_shape: [10, 8],
  }),
  SAME_UPPER: single("ConvTranspose", { x: [1, 1, 3, 3], w: [1, 2, 4, 3] }, ["w"], [1, 2, 6, 6], {
    strides: [2, 2],
    auto_pad: "SAME_UPPER",
  }),
  SAME_LOWER: single("ConvTranspose", { x: [1, 1, 3, 3], w: [1, 2, 3, 3] }, ["w"], [1, 2, 6, 6], {
    strides: [2, 2],
    auto_pad: "SAME_LOWER",
  }),
  "kernel smaller than the stride": single(
    "ConvTranspose",
    { x: [1, 2, 3], w: [2, 2, 2] },
    ["w"],
    [1, 2, 11],
    { strides: [4], output_padding: [1] },
  ),
  "a computed filter": single("ConvTranspose", { x: [1, 2, 3, 3], w: [2, 2, 3, 3] }, [], [1, 2, 7, 7], {
    strides: [2, 2],
  }),
};

const convolutions: Record<string, ReturnType<typeof single>> = {
  "a computed filter": single("Conv", { x: [1, 2, 5, 6], w: [3, 2, 3, 3], b: [3] }, [], [1, 3, 5, 6], {
    pads: [1, 1, 1, 1],
  }),
  "a computed filter in groups, strided, dilated": single(
    "Conv",
    { x: [2, 4, 9, 8], w: [6, 2, 3, 2] },
    [],
    [2, 6, 3, 4],
    { group: 2, strides: [2, 2], dilations: [2, 1] },
  ),
  "a computed 1x1 filter": single("Conv", { x: [1, 3, 4], w: [2, 3, 1] }, [], [1, 2, 4]),
  "three spatial dimensions": single(
    "Conv",
    { x: [1, 2, 4, 4, 3], w: [3, 2, 2, 3, 2], b: [3] },
    ["w", "b"],
    [1, 3, 3, 2, 2],
  ),
};

const products: Record<string, ReturnType<typeof single>> = {
  "vector by vector": single("MatMul", { a: [6], b: [6] }, [], []),
  "vector by matrix": single("MatMul", { a: [6], b: [6, 3] }, ["b"], [3]),
  "batch by vector": single("MatMul", { a: [2, 4, 6], b: [6] }, ["b"], [2, 4]),
  "vector by batch": single("MatMul", { a: [6], b: [2, 6, 3] }, [], [2, 3]),
  "constant on the left": single("MatMul", { a: [4, 6], b: [2, 6, 3] }, ["a"], [2, 4, 3]),
  "constant with a batch of one": single("MatMul", { a: [2, 4, 6], b: [1, 6, 3] }, ["b"], [2, 4, 3]),
  "Gemm of two activations": single("Gemm", { a: [5, 4], b: [3, 5], c: [4, 1] }, [], [4, 3], {
    transA: 1,
    transB: 1,
    alpha: { float: 0.5 },
    beta: { float: -2 },
  }),
  "Gemm without C": single("Gemm", { a: [4, 5], b: [5, 3] }, [], [4, 3], { alpha: { float: 0.25 } }),
  "Gemm, constant matrix, transA, full C": single(
    "Gemm",
    { a: [5, 4], b: [5, 3], c: [4, 3] },
    ["b", "c"],
    [4, 3],
    { transA: 1 },
  ),
  "Gemm of a constant on the left": single("Gemm", { a: [4, 5], b: [5, 3], c: [3] }, ["a", "c"], [4, 3]),
};

const all = { transposed, convolutions, products };

describe.each(Object.entries(all))("%s", (_, cases) => {
  test.each(Object.entries(cases))("%s: taken apart computes the same", async (_, { model, specs }) => {
    const graph = importModel(model);
    const prepared = await prepareModel(graph);
    const [sample] = randomSamples(specs, 1, 5);
    const run = async (bytes: Uint8Array) => {
      const session = await createRawSession(bytes, { intraOpNumThreads: 1 });
      const y = (await runSession(session, sample ?? {})).y as HostTensor;
      await session.release();
      return { dims: y.dims, data: [...(y.data as Float32Array)] };
    };
    const [expected, actual] = [await run(model), await run(encodeGraph(prepared))];
    expect(actual.dims).toEqual(expected.dims);
    expected.data.forEach((value, k) => {
      expect(Math.abs(value - (actual.data[k] as number))).toBeLessThan(1e-5);
    });
    expect(prepared.nodes.some(({ op }) => op === "ConvTranspose")).toBe(false);
  });
});

describe.each(Object.entries(all))("%s", (_, cases) => {
  test.each(Object.entries(cases))("%s: compiles", async (_, { model, specs }) => {
    const { manifest } = await compileAndCompare(model, specs);
    expect(manifest.accuracy.cosineMean).toBeGreaterThan(0.999);
  });
});
