import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compileModel } from "../../compile/compileModel.ts";
import { ModelBuilder } from "../../onnx/build.ts";
import { encodeModel } from "../../onnx/proto.ts";
import { randomSamples, randomTensor, smallModel } from "../../testing/compileSmall.ts";
import { temporaryDirectory } from "../../testing/temporary-directory.ts";
import { writeBundle } from "../bundle.ts";
import { inChild } from "./inChild.ts";
import { vetBundle, vetModel, vetReport } from "./vetModel.ts";

const mnist = readFileSync(join(import.meta.dirname, "../../../../fixtures/mnist/mnist-8.onnx"));

describe("a model nobody has vetted", () => {
  test("that is sound passes, and is reported on", async () => {
    await vetModel(mnist);
    expect(await vetReport(mnist)).toMatchObject({ fits: true, opset: 8 });
  });

  test("that is no model is refused with the importer's code", async () => {
    await expect(vetModel(Buffer.from("nonsense"))).rejects.toMatchObject({ code: "ONNX_MALFORMED" });
  });

  test("that takes too long, or too much memory, is given up", async () => {
    await expect(vetModel(mnist, {}, { timeoutMs: 1 })).rejects.toMatchObject({ code: "MODEL_TIMEOUT" });
    const million = { type: "f32", dims: [1, 1_000_000], data: new Float32Array(1_000_000) } as const;
    const model = new ModelBuilder(13).input("x", "f32", [1]).initializer("w", million);
    // An outer product: 4 TB.
    model.initializer("v", { ...million, dims: [1_000_000, 1] }).node("Mul", ["w", "v"], ["1"]);
    const bytes = model.node("ReduceMax", ["1"], ["y"]).output("y", "f32", [1, 1]).encode();
    await expect(vetModel(bytes, {}, { memoryBytes: 2 ** 31 })).rejects.toMatchObject({
      code: expect.stringMatching(/^(ONNX_SHAPE|ONNX_REFUSED|MODEL_MEMORY)$/),
    });
    await expect(vetModel(mnist, {}, { memoryBytes: 2 ** 24 })).rejects.toMatchObject({
      code: "MODEL_MEMORY",
    });
  });
});

test("a process that a model aborts becomes a named error", async () => {
  // What onnxruntime's binding does with an output of 4-bit integers: `abort`. The importer refuses the type, so the graph goes in by another way.
  const info = (name: string, elemType: number) => ({
    name,
    type: { tensorType: { elemType, shape: { dim: [{ dimValue: 4 }] } } },
  });
  const cast = {
    opType: "Cast",
    name: "to int4",
    input: ["x"],
    output: ["y"],
    attribute: [{ name: "to", type: 2, i: 22 }],
  };
  const graph = encodeModel({
    irVersion: 10,
    opsetImport: [{ domain: "", version: 21 }],
    graph: { name: "g", node: [cast], input: [info("x", 1)], output: [info("y", 22)] },
  });
  await expect(vetModel(graph)).rejects.toMatchObject({ code: "ONNX_TYPE" });

  // A constant that folding computes: onnxruntime has to hand an output of 4-bit integers over.
  const folded = encodeModel({
    irVersion: 10,
    opsetImport: [{ domain: "", version: 21 }],
    graph: {
      name: "g",
      node: [
        { ...cast, input: ["w"], output: ["c"] },
        {
          opType: "Cast",
          name: "back",
          input: ["c"],
          output: ["d"],
          attribute: [{ name: "to", type: 2, i: 1 }],
        },
        { opType: "Add", name: "add", input: ["x", "d"], output: ["y"] },
      ],
      initializer: [{ name: "w", dataType: 1, dims: [4], floatData: [1, 2, 3, 4] }],
      input: [info("x", 1)],
      output: [info("y", 1)],
    },
  });
  await expect(vetModel(folded)).rejects.toMatchObject({ code: "MODEL_CRASHED" });
});

describe("a bundle nobody has vetted", () => {
  test("passes if graph and program agree, and is refused with its code if not", async () => {
    const { model, specs } = smallModel(13, { x: [1, 4] }, { y: [1, 3] }, (m, random) => {
      m.initializer("w", randomTensor(random, [4, 3])).node("MatMul", ["x", "w"], ["y"]);
    });
    const bundle = await compileModel({ model, calibration: randomSamples(specs, 5, 1) });
    const directory = temporaryDirectory();
    writeBundle(bundle, directory);
    await vetBundle(directory);
    await expect(vetBundle(join(directory, "missing"))).rejects.toMatchObject({ code: "BUNDLE_MISSING" });
    await expect(inChild({ kind: "bundle", directory }, { timeoutMs: 1 })).rejects.toMatchObject({
      code: "MODEL_TIMEOUT",
    });
  });
});
