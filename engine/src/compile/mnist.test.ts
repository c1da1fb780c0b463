import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { gunzip, readIdx } from "../inputs/idx.ts";
import { readInputs } from "../inputs/readInputs.ts";
import type { HostTensor } from "../onnx/tensor.ts";
import type { Bundle } from "../run/bundle.ts";
import { createSession, runSession } from "../run/onnxruntime.ts";
import { compareTraces } from "../testing/compileSmall.ts";
import { argMax } from "./accuracy.ts";
import { compileModel, modelInputs } from "./compileModel.ts";

const folder = join(import.meta.dirname, "../../../fixtures/mnist");
const model = readFileSync(join(folder, "mnist-8.onnx"));
const training = () => readInputs(join(folder, "train-1000-images-idx3-ubyte.gz"), modelInputs(model));

describe("MNIST", () => {
  let bundle: Bundle;
  beforeAll(async () => {
    bundle = await compileModel({ model, calibration: training() });
  });

  test("compiled twice gives the same bytes", async () => {
    const again = await compileModel({ model, calibration: training() });
    expect(again.modelId).toBe(bundle.modelId);
    expect(again.manifest).toEqual(bundle.manifest);
  });

  test("is six instructions", () => {
    expect(
      bundle.instructions.map(
        ({ accumulate, outDims, reduceDims }) =>
          `${accumulate} ${outDims.join("x")}, ${reduceDims.join("x")}`,
      ),
    ).toEqual([
      "none 784, ",
      "dot 28x28x8, 5x5",
      "max 14x14x8, 2x2",
      "dot 14x14x16, 5x40",
      "max 4x4x16, 3x3",
      "dot 10, 256",
    ]);
  });

  test("trace of 100 digits is the reference's, byte for byte", async () => {
    const digits = readInputs(join(folder, "t10k-images-idx3-ubyte.gz"), bundle.manifest.inputs);
    await compareTraces(
      bundle,
      digits.filter((_, index) => index % 100 === 0),
    );
  });

  test("classifies the 10,000 test digits within 0.3 percentage points of the float model", async () => {
    const digits = readInputs(join(folder, "t10k-images-idx3-ubyte.gz"), bundle.manifest.inputs);
    const labelFile = join(folder, "t10k-labels-idx1-ubyte.gz");
    const labels = readIdx(gunzip(readFileSync(labelFile), labelFile), labelFile).data;
    const correct = async (bytes: Uint8Array) => {
      const session = await createSession(bytes, { intraOpNumThreads: 1 });
      let count = 0;
      for (const [index, digit] of digits.entries()) {
        const { Plus214_Output_0: logits } = await runSession(session, digit);
        if (argMax(logits as HostTensor) === labels[index]) count++;
      }
      await session.release();
      return count;
    };
    const [float, exact] = [await correct(model), await correct(bundle.graph)];
    expect(float).toBe(9891);
    expect(float - exact).toBeLessThanOrEqual(30);
  });
});
