import { modelIdOf } from "@surety/protocol";
import { beforeAll, describe, expect, test } from "vitest";
import { compileModel } from "../compile/compileModel.ts";
import type { Instruction } from "../program/index.ts";
import { randomNumbers, randomSamples, randomTensor, smallModel } from "../testing/compileSmall.ts";
import { temporaryDirectory } from "../testing/temporary-directory.ts";
import { type Bundle, loadBundle, writeBundle } from "./bundle.ts";
import { requireGraphMatches } from "./checkGraph.ts";
import { evaluateProgram } from "./evaluateProgram.ts";
import { requireGolden } from "./golden.ts";
import { manifestHash } from "./manifest.ts";
import { openModel } from "./session.ts";
import { traceGraph } from "./traceGraph.ts";

const { model, specs } = smallModel(13, { x: [1, 3, 6, 6] }, { y: [1, 4] }, (m, random) => {
  m.initializer("w", randomTensor(random, [5, 3, 3, 3])).initializer("v", randomTensor(random, [5, 4]));
  m.initializer("b", randomTensor(random, [5]));
  m.node("Conv", ["x", "w", "b"], ["1"], { pads: [1, 1, 1, 1] })
    .node("Relu", ["1"], ["2"])
    .node("GlobalAveragePool", ["2"], ["3"])
    .node("Flatten", ["3"], ["4"])
    .node("MatMul", ["4", "v"], ["5"])
    .node("Flatten", ["5"], ["y"]);
});

let bundle: Bundle;
beforeAll(async () => {
  bundle = await compileModel({ model, calibration: randomSamples(specs, 10, 1) });
});

/** The bundle with one instruction changed in the program only. */
function withInstruction(index: number, change: (instruction: Instruction) => Instruction): Bundle {
  const instructions = bundle.instructions.map((old, i) => (i === index ? change(old) : old));
  return { ...bundle, instructions };
}

describe("requireGraphMatches", () => {
  test("accepts what the compiler makes", async () => {
    await requireGraphMatches(bundle);
  });

  test("refuses a program with one other weight, whichever tensor holds it", async () => {
    for (const [index, weight] of bundle.weights.entries()) {
      const changed = Uint8Array.from(weight);
      // The top byte of the first element, so that the change is no rounding.
      const at = bundle.weightDtypes[index] === "i8" ? 0 : 3;
      changed[at] = (changed[at] as number) ^ 0x20;
      const weights = bundle.weights.with(index, changed);
      await expect(requireGraphMatches({ ...bundle, weights })).rejects.toMatchObject({
        code: "GRAPH_MISMATCH",
      });
    }
  });

  test("refuses a program that differs where values saturate only", async () => {
    const last = bundle.instructions.findIndex(({ accumulate }) => accumulate === "dot");
    const wraps = withInstruction(last, (instruction) => {
      // quantise to i8, shifted into the place of u8: the same but for what is cut off at 127.
      const zeroAt = instruction.expression.length - 2;
      const expression = instruction.expression.map((operation, k) => {
        if (k === instruction.expression.length - 1) return { ...operation, code: "quantise_i8" as const };
        if (k === zeroAt && operation.code === "int") return { ...operation, imm: operation.imm & 0x7f };
        return operation;
      });
      return { ...instruction, expression };
    });
    await expect(requireGraphMatches(wraps)).rejects.toMatchObject({
      code: "GRAPH_MISMATCH",
      message: expect.stringContaining("inputs"),
    });
  });

  test("refuses a bundle that names another tensor of the graph for an instruction", async () => {
    const { instructions } = bundle.manifest;
    const at = instructions.findIndex(({ source }) => source?.permutation.some((axis, k) => axis !== k));
    const swapped = instructions.map((entry, index) =>
      index === at && entry.source
        ? { ...entry, source: { ...entry.source, permutation: entry.source.shape.map((_, k) => k) } }
        : entry,
    );
    const manifest = { ...bundle.manifest, instructions: swapped };
    await expect(requireGraphMatches({ ...bundle, manifest })).rejects.toMatchObject({
      code: "GRAPH_MISMATCH",
    });
  });
});

describe("a trace run in segments", () => {
  test("has the bytes of the program, however small the segments are", async () => {
    const random = randomNumbers(17);
    const input = new Uint8Array(Float32Array.from({ length: 108 }, () => 4 * random() - 2).buffer);
    const expected = evaluateProgram(bundle, input);
    for (const traceSegmentBytes of [1, 150, 2 ** 30]) {
      const { segments } = traceGraph(bundle, traceSegmentBytes);
      expect(segments.length > 1).toBe(traceSegmentBytes < 2 ** 30);
      const session = await openModel(bundle, { traceSegmentBytes });
      const trace = await session.trace(input);
      for (const index of bundle.instructions.keys()) {
        expect(trace.tensorBytes(index)).toEqual(expected.tensorBytes(index));
      }
      trace.close();
      await session.release();
    }
    expected.close();
  });
});

describe("requireGolden", () => {
  test("accepts what the compiler makes; refuses another answer, naming the probe, and a vector of another length", async () => {
    const { golden } = bundle.manifest;
    expect(golden.map(({ probe }) => probe)).toEqual(["saturating", "largest", "ordinary", "odd"]);
    const session = await openModel(bundle);
    await requireGolden(session);
    const other = { probe: "ordinary", outputs: "00" };
    for (const changed of [golden.with(2, other), golden.slice(0, 3), []]) {
      const manifest = { ...bundle.manifest, golden: changed };
      await expect(requireGolden({ ...session, bundle: { ...bundle, manifest } })).rejects.toMatchObject({
        code: "GOLDEN_MISMATCH",
        message: expect.stringContaining(changed.length === 4 ? "ordinary" : bundle.modelId),
      });
    }
    await session.release();
  });
});

describe("evaluateProgram", () => {
  test("gives the outputs that onnxruntime gives, also for NaN and infinities", async () => {
    const random = randomNumbers(3);
    const odd = [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, -0];
    const numbers = Float32Array.from({ length: 108 }, (_, i) =>
      i % 5 === 0 ? (odd[(i / 5) % 4] as number) : 2 * random() - 1,
    );
    const input = new Uint8Array(numbers.buffer);
    const session = await openModel(bundle);
    const [output] = await session.run(input);
    const trace = evaluateProgram(bundle, input);
    expect(trace.tensorBytes(bundle.header.outputs[0]?.instruction ?? -1)).toEqual(output);
    trace.close();
    expect(() => evaluateProgram(bundle, input.subarray(4))).toThrow(
      expect.objectContaining({ code: "INPUT_LENGTH" }),
    );
    await session.release();
  });
});

describe("loadBundle", () => {
  test("refuses a header whose sizes are not the program's: no honest answer could be defended", () => {
    const { header } = bundle;
    const [output] = header.outputs;
    if (output === undefined) throw new Error("no output");
    for (const wrong of [
      { ...header, inputBytes: header.inputBytes.map((bytes) => bytes + 4) },
      { ...header, inputBytes: [...header.inputBytes, 4] },
      { ...header, outputs: [{ ...output, bytes: output.bytes - 4 }] },
      { ...header, outputs: [{ ...output, instruction: 0 }] },
      { ...header, outputs: [output, output] },
    ]) {
      const modelId = modelIdOf(wrong);
      const rest = { ...bundle.manifest, header: wrong, modelId };
      const manifest = { ...rest, sha256: manifestHash(rest) };
      const directory = temporaryDirectory();
      writeBundle({ ...bundle, header: wrong, modelId, manifest }, directory);
      expect(() => loadBundle(directory)).toThrow(expect.objectContaining({ code: "BUNDLE_CHANGED" }));
    }
  });
});
