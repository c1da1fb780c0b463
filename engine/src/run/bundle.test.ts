import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { compileModel } from "../compile/compileModel.ts";
import { randomNumbers, randomSamples, randomTensor, smallModel } from "../testing/compileSmall.ts";
import { temporaryDirectory } from "../testing/temporary-directory.ts";
import { type Bundle, loadBundle, writeBundle } from "./bundle.ts";
import { inputsFromBytes, inputsToBytes, openModel } from "./session.ts";

const { model, specs } = smallModel(13, { x: [1, 4], z: [1, 6] }, { y: [1, 3], u: [1, 6] }, (m, random) => {
  m.initializer("w", randomTensor(random, [4, 6])).initializer("v", randomTensor(random, [6, 3]));
  m.node("MatMul", ["x", "w"], ["1"])
    .node("Relu", ["1"], ["2"])
    .node("Add", ["2", "z"], ["u"])
    .node("MatMul", ["u", "v"], ["y"]);
});

describe("bundle", () => {
  let bundle: Bundle;
  let directory: string;
  beforeAll(async () => {
    bundle = await compileModel({ model, calibration: randomSamples(specs, 10, 1) });
    directory = temporaryDirectory();
    writeBundle(bundle, directory);
  });

  test("written and loaded is the same", () => {
    expect(loadBundle(directory)).toEqual(bundle);
    expect(bundle.header).toMatchObject({ profileVersion: 2, inputBytes: [16, 24] });
    expect(bundle.header.outputs.map((output) => output.bytes)).toEqual([12, 24]);
  });

  test("one changed byte in any file is refused, naming the file", () => {
    const random = randomNumbers(5);
    for (const file of ["model.onnx", "program.bin", "weights.bin", "manifest.json"]) {
      const path = join(directory, file);
      const bytes = readFileSync(path);
      const whitespace = new Set([...Buffer.from(" \n")]);
      for (let round = 0; round < 60; round++) {
        const at = round === 0 ? bytes.length - 1 : Math.floor(random() * bytes.length);
        // Spaces between the manifest's values mean nothing.
        if (file === "manifest.json" && whitespace.has(bytes[at] as number)) continue;
        const changed = Buffer.from(bytes);
        changed[at] = (bytes[at] as number) ^ 1;
        writeFileSync(path, changed);
        let failure: unknown;
        try {
          loadBundle(directory);
        } catch (error) {
          failure = error;
        }
        expect(failure).toMatchObject({ code: "BUNDLE_CHANGED", message: expect.stringContaining(file) });
      }
      writeFileSync(path, bytes.subarray(0, bytes.length - 3));
      expect(() => loadBundle(directory)).toThrow(expect.objectContaining({ code: "BUNDLE_CHANGED" }));
      writeFileSync(path, bytes);
    }
    expect(loadBundle(directory).modelId).toBe(bundle.modelId);
  });

  test("a missing file is named", () => {
    const copy = temporaryDirectory();
    expect(() => loadBundle(copy)).toThrow(expect.objectContaining({ code: "BUNDLE_MISSING" }));
    writeBundle(bundle, copy);
    rmSync(join(copy, "weights.bin"));
    expect(() => loadBundle(copy)).toThrow(/weights\.bin/);
  });
});

describe("openModel", () => {
  test("runs the same from named tensors and from a request's bytes, on any number of threads", async () => {
    const bundle = await compileModel({ model, calibration: randomSamples(specs, 10, 1) });
    const [sample] = randomSamples(specs, 1, 9);
    if (!sample) throw new Error("no sample");
    const bytes = Buffer.concat(inputsToBytes(bundle, sample));
    expect(inputsFromBytes(bundle, bytes)).toEqual(sample);
    const one = await openModel(bundle, { intraOpNumThreads: 1 });
    const two = await openModel(bundle, { intraOpNumThreads: 2 });
    expect(await two.run(bytes)).toEqual(await one.run(sample));
    await expect(one.run(bytes.subarray(1))).rejects.toMatchObject({ code: "INPUT_LENGTH" });
    await expect(one.run({})).rejects.toMatchObject({ code: "INPUT_NAME" });
    await one.release();
    await two.release();
  });

  test("reads a NaN in an input as +0", async () => {
    const bundle = await compileModel({ model, calibration: randomSamples(specs, 10, 1) });
    const session = await openModel(bundle);
    const zeros = new Float32Array(10).fill(0);
    const odd = Float32Array.from(zeros, (_, index) => (index % 2 === 0 ? Number.NaN : 0));
    const asBytes = (data: Float32Array) => new Uint8Array(data.buffer);
    expect(await session.run(asBytes(odd))).toEqual(await session.run(asBytes(zeros)));
    const [traced, expected] = [await session.trace(asBytes(odd)), await session.trace(asBytes(zeros))];
    for (const index of bundle.instructions.keys()) {
      expect(traced.tensorBytes(index)).toEqual(expected.tensorBytes(index));
    }
    await session.release();
  });
});
