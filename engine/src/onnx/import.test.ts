import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SuretyError } from "@surety/protocol";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "../testing/temporary-directory.ts";
import { ModelBuilder } from "./build.ts";
import { foldConstants } from "./foldConstants.ts";
import { importModel } from "./import.ts";
import { encodeModel, type GraphProto } from "./proto.ts";
import { i64Tensor } from "./tensor.ts";

const mnist = readFileSync(join(import.meta.dirname, "../../../fixtures/mnist/mnist-8.onnx"));
const info = (name: string) => ({
  name,
  type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 1 }] } } },
});

/** A model file of this graph; it reads x and gives y unless the graph says otherwise. */
function file(graph: GraphProto): Uint8Array {
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ version: 13 }],
    graph: { input: [info("x")], output: [info("y")], ...graph },
  });
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!(error instanceof SuretyError)) throw error;
    expect(error.shortMessage).not.toContain("\n");
    return error.code;
  }
  return "none";
}

const relu = { opType: "Relu", input: ["x"], output: ["y"] };

describe("importModel", () => {
  test("reads a graph whose initializers are inputs too", () => {
    const graph = importModel(mnist);
    expect(graph.opset).toBe(8);
    expect(graph.inputs).toEqual([{ name: "Input3", type: "f32", dims: [1, 1, 28, 28] }]);
    expect(graph.outputs.map((output) => output.name)).toEqual(["Plus214_Output_0"]);
    expect(graph.nodes).toHaveLength(12);
  });

  test("sorts nodes topologically", () => {
    const node = [
      { opType: "Relu", input: ["1"], output: ["y"] },
      { opType: "Relu", input: ["x"], output: ["1"] },
    ];
    expect(importModel(file({ node })).nodes.map((entry) => entry.outputs[0])).toEqual(["1", "y"]);
  });

  test("gives symbolic dimensions the sizes asked for", () => {
    const model = new ModelBuilder(13).input("x", "f32", ["batch", 3]).node("Relu", ["x"], ["y"]);
    const bytes = model.output("y", "f32", ["batch", 3]).encode();
    expect(importModel(bytes).inputs[0]?.dims).toEqual(["batch", 3]);
    expect(importModel(bytes, { dims: { batch: 2 } }).inputs[0]?.dims).toEqual([2, 3]);
  });

  const float = (dims: number[], extra: object) => ({
    initializer: [{ name: "w", dataType: 1, dims, ...extra }],
    node: [relu],
  });
  test.each<[string, Uint8Array, string]>([
    ["an empty file", new Uint8Array(), "ONNX_MALFORMED"],
    ["text", Buffer.from("this is not a model"), "ONNX_MALFORMED"],
    ["a truncated file", mnist.subarray(0, 20_000), "ONNX_MALFORMED"],
    [
      "an opset of another age",
      encodeModel({ opsetImport: [{ version: 3 }], graph: { node: [relu], output: [info("y")] } }),
      "ONNX_OPSET",
    ],
    [
      "a cycle",
      file({
        node: [
          { opType: "Add", input: ["x", "2"], output: ["y"] },
          { opType: "Relu", input: ["y"], output: ["2"] },
        ],
      }),
      "ONNX_CYCLE",
    ],
    [
      "a node that reads itself",
      file({ node: [{ opType: "Add", input: ["x", "y"], output: ["y"] }] }),
      "ONNX_CYCLE",
    ],
    [
      "a value nobody computes",
      file({ node: [{ opType: "Relu", input: ["z"], output: ["y"] }] }),
      "ONNX_MISSING_VALUE",
    ],
    ["an output nobody computes", file({ node: [] }), "ONNX_MISSING_VALUE"],
    ["no outputs", file({ node: [relu], output: [] }), "ONNX_MALFORMED"],
    ["a value computed twice", file({ node: [relu, relu] }), "ONNX_DUPLICATE_NAME"],
    ["an output listed twice", file({ node: [relu], output: [info("y"), info("y")] }), "ONNX_DUPLICATE_NAME"],
    ["a huge declared shape", file(float([2 ** 40], {})), "ONNX_SHAPE"],
    ["dims whose product overflows", file(float([2 ** 20, 2 ** 20, 2 ** 20], {})), "ONNX_SHAPE"],
    ["a negative dim", file(float([-1], {})), "ONNX_SHAPE"],
    [
      "fewer data than declared",
      file(float([1000, 1000], { rawData: new Uint8Array(4) })),
      "ONNX_DATA_LENGTH",
    ],
    ["no data at all", file(float([1000, 1000, 1000], {})), "ONNX_DATA_LENGTH"],
    ["strings", file(float([1], { dataType: 8 })), "ONNX_TYPE"],
    ["an output that is no tensor", file({ node: [relu], output: [{ name: "y" }] }), "ONNX_TYPE"],
    ["sparse initializers", file({ node: [relu], sparseInitializer: [{}] }), "ONNX_UNSUPPORTED"],
    [
      "external data without a folder",
      file(float([1], { dataLocation: 1, externalData: [{ key: "location", value: "w" }] })),
      "ONNX_EXTERNAL_DATA",
    ],
  ])("refuses %s", (_, bytes, code) => {
    expect(codeOf(() => importModel(bytes))).toBe(code);
  });

  test("external data: inside the folder read, outside refused, also through a link", () => {
    const base = temporaryDirectory();
    const folder = join(base, "model");
    mkdirSync(folder);
    writeFileSync(join(folder, "w"), Buffer.from(Float32Array.of(5, 7).buffer));
    writeFileSync(join(base, "secret"), new Uint8Array(8));
    symlinkSync(join(base, "secret"), join(folder, "link"));
    const at = (location: string, more: { key: string; value: string }[] = []) =>
      importModel(
        file(float([1], { dataLocation: 1, externalData: [{ key: "location", value: location }, ...more] })),
        { folder },
      );
    expect(at("w", [{ key: "offset", value: "4" }]).initializers.get("w")?.data).toEqual(Float32Array.of(7));
    for (const location of ["../secret", "link", join(base, "secret"), "missing", ""]) {
      expect(codeOf(() => at(location))).toBe("ONNX_EXTERNAL_DATA");
    }
    expect(codeOf(() => at("w", [{ key: "offset", value: "8" }]))).toBe("ONNX_EXTERNAL_DATA");
    expect(codeOf(() => at("w", [{ key: "length", value: "999999999999" }]))).toBe("ONNX_EXTERNAL_DATA");
  });
});

describe("foldConstants", () => {
  test("refuses constants that grow without end, before they are computed", async () => {
    const model = new ModelBuilder(13)
      .input("x", "f32", [1])
      .initializer("c0", { type: "f32", dims: [1024], data: new Float32Array(1024) });
    for (let k = 0; k < 40; k++) model.node("Concat", [`c${k}`, `c${k}`], [`c${k + 1}`], { axis: 0 });
    const bytes = model.node("Add", ["x", "c40"], ["y"]).output("y", "f32", [1]).encode();
    await expect(foldConstants(importModel(bytes))).rejects.toMatchObject({ code: "ONNX_SHAPE" });
  });

  test("names the node whose constants make no sense", async () => {
    const model = new ModelBuilder(13)
      .input("x", "f32", [1])
      .initializer("c", i64Tensor([1, 2, 3]))
      .initializer("s", i64Tensor([2, 2]));
    const bytes = model
      .node("Reshape", ["c", "s"], ["1"], {}, "bad")
      .node("Add", ["x", "1"], ["y"])
      .output("y", "f32", [1])
      .encode();
    await expect(foldConstants(importModel(bytes))).rejects.toMatchObject({
      code: "ONNX_CONSTANT",
      message: expect.stringContaining('"bad"'),
    });
  });
});
