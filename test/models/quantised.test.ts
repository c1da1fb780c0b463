import { readFileSync } from "node:fs";
import { compileModel } from "@surety/engine";
import { expect, test } from "vitest";
import { importModel } from "../../engine/src/onnx/import.ts";
import { bytesOf } from "../../engine/src/onnx/tensor.ts";
import { describeModel, modelPath } from "../support/sharedModels.ts";
import { MODEL_CASES, type ModelCase } from "./cases.ts";

const model = MODEL_CASES.find(({ folder }) => folder === "mobilenetv2-int8") as ModelCase;

describeModel("MobileNetV2 int8", model.folder, () => {
  test("is one instruction for each quantised node, in the very integers of the file, and one for its float output", async () => {
    const file = readFileSync(modelPath(model.folder, model.file));
    const bundle = await compileModel({ model: file, dims: model.dims, calibration: model.inputs(1) });
    const source = importModel(file, { dims: model.dims });
    const quantised = source.nodes.filter(({ op }) => op.startsWith("QLinear") || op === "QuantizeLinear");
    expect(bundle.instructions.map(({ outDtype }) => outDtype)).toEqual([
      ...quantised.map(() => "u8"),
      "f32",
    ]);

    const sorted = (bytes: Uint8Array) => Buffer.from(Buffer.from(bytes).toSorted()).toString("hex");
    const kept = new Set(bundle.weights.map(sorted));
    const layers = quantised.filter(({ op }) => op === "QLinearConv" || op === "QLinearMatMul");
    for (const { inputs } of layers) {
      for (const at of [3, 8]) {
        const tensor = source.initializers.get(inputs[at] ?? "");
        // Filters lie in another order.
        if (tensor) expect(kept.has(sorted(bytesOf(tensor))), `${inputs[at]}`).toBe(true);
      }
    }
  });
});
