import { readFileSync } from "node:fs";
import {
  argMax,
  type Bundle,
  compileModel,
  createSession,
  type HostTensor,
  openModel,
  runSession,
  tensorFromBytes,
} from "@surety/engine";
import { beforeAll, expect, test } from "vitest";
import { encodeGraph } from "../../engine/src/onnx/encodeGraph.ts";
import { importModel } from "../../engine/src/onnx/import.ts";
import { worstStepCost } from "../../engine/src/program/step-cost.ts";
import { randomNumbers } from "../../engine/src/testing/compileSmall.ts";
import { describeModel, modelPath } from "../support/sharedModels.ts";
import { MODEL_CASES, type ModelCase } from "./cases.ts";
import { compareSampledTrace } from "./sampledTrace.ts";

const CALIBRATION = 2;
const INPUTS = 200;
const model = MODEL_CASES.find(({ folder }) => folder === "mobilenetv2-int8") as ModelCase;

describeModel("MobileNetV2 int8, which arrives quantised", model.folder, () => {
  const file = () => readFileSync(modelPath(model.folder, model.file));
  let bundle: Bundle;

  beforeAll(async () => {
    bundle = await compileModel({
      model: file(),
      dims: model.dims,
      calibration: model.inputs(CALIBRATION),
    });
  }, 600_000);

  test("is one instruction for each of its quantised nodes, and one for its float output", () => {
    expect(bundle.instructions.length).toBe(67);
    const floats = bundle.instructions.filter(({ outDtype }) => outDtype === "f32");
    expect(floats.length).toBe(1);
    for (const instruction of bundle.instructions) {
      const { gas, bytes } = worstStepCost(instruction);
      expect(gas).toBeLessThan(1_000_000);
      expect(bytes).toBeLessThan(100_000);
    }
  });

  test(`${INPUTS} pictures: the same class as onnxruntime in at least 99 %`, async () => {
    // The session keeps the model's own nodes; weights of 8 bits run in a form that no CPU saturates.
    const source = encodeGraph(importModel(file(), { dims: model.dims }));
    const [expected, exact] = [
      await createSession(source, { intraOpNumThreads: 1 }),
      await openModel(bundle),
    ];
    let sameClass = 0;
    let identical = 0;
    try {
      for (const sample of model.inputs(INPUTS)) {
        const { output } = await runSession(expected, sample);
        const [bytes] = await exact.run(sample);
        const actual = tensorFromBytes("f32", [1, 1000], bytes as Uint8Array);
        if (argMax(output as HostTensor) === argMax(actual)) sameClass++;
        if (
          Buffer.compare(
            Buffer.from(
              (output as HostTensor).data.buffer as ArrayBuffer,
              (output as HostTensor).data.byteOffset,
              4000,
            ),
            bytes as Uint8Array,
          ) === 0
        )
          identical++;
      }
    } finally {
      await expected.release();
      await exact.release();
    }
    process.stdout.write(
      `MobileNetV2 int8: the same class for ${sameClass}, the same bytes for ${identical} of ${INPUTS} pictures\n`,
    );
    expect(sameClass / INPUTS).toBeGreaterThanOrEqual(0.99);
  }, 600_000);

  test("a run's trace is what the reference computes", async () => {
    const [sample] = model.inputs(1);
    await compareSampledTrace(bundle, sample as Record<string, HostTensor>, 30, randomNumbers(1));
  }, 600_000);
});
