import { describe, expect, test } from "vitest";
import { ModelBuilder } from "../onnx/build.ts";
import { decodeModel } from "../onnx/proto.ts";
import { portableForm, runnableForm } from "./kernelForms.ts";
import { answerHash, isExactForAllWeights, KNOWN_ANSWERS } from "./knownAnswers.ts";
import { createSession, runSession } from "./onnxruntime.ts";
import { createRawSession } from "./rawSession.ts";
import { KERNEL_VECTORS } from "./vectors/index.ts";
import { host, scalar } from "./vectors/vector.ts";

const wide = KERNEL_VECTORS.filter(({ holds }) => holds === "wide weights");

async function hashOf(model: Uint8Array, feeds: Parameters<typeof runSession>[1], open = createRawSession) {
  const session = await open(model, { intraOpNumThreads: 1 });
  const outputs = Object.values(await runSession(session, feeds));
  await session.release();
  return answerHash(outputs.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));
}

/** One product whose weights and zero point are named. */
function productModel(weights: readonly number[], inputs: readonly string[]): Uint8Array {
  const model = new ModelBuilder(13).input("x", "u8", [1, 2]).initializer("w", host("i8", [2, 2], weights));
  model.initializer("w.u8", scalar("u8", 9)).initializer("x_zero", scalar("u8", 9));
  model.initializer("w_zero", host("i8", [2], [-128, 3])).node("MatMulInteger", inputs, ["y"]);
  return model.output("y", "i32", [1, 2]).encode();
}

const initializersOf = (model: Uint8Array) =>
  new Map((decodeModel(model).graph?.initializer ?? []).map((tensor) => [tensor.name, tensor]));

describe("portableForm", () => {
  test("gives the known answers for weights over 7 bits on any CPU, for every op that has two forms", async () => {
    expect(new Set(wide.map(({ op }) => op)).size).toBe(6);
    for (const { name, make } of wide) {
      const { model, feeds } = make();
      const portable = portableForm(model);
      expect(portable).not.toBe(model);
      expect([name, await hashOf(portable, feeds)]).toEqual([name, KNOWN_ANSWERS[name]]);
    }
  });

  test("leaves weights of 7 bits as they are, to the byte, but those of ConvInteger", () => {
    const model = productModel([64, -64, 1, 2], ["x", "w", "x_zero", "w_zero"]);
    expect(portableForm(model)).toBe(model);
    const narrow = KERNEL_VECTORS.find(({ name }) => name === "ConvInteger u8xi8 7-bit 3x3")?.make().model;
    if (!narrow) throw new Error("no such vector");
    expect(initializersOf(portableForm(narrow)).get("w.u8")?.dataType).toBe(2);
  });

  test("shifts weights and zero points by 128, takes names nobody has, and drops what it replaced", () => {
    const shifted = initializersOf(
      portableForm(productModel([-128, 127, 0, 65], ["x", "w", "x_zero", "w_zero"])),
    );
    expect([...shifted.keys()].sort()).toEqual(["w.u8", "w.u8_", "w_zero.u8", "x_zero"]);
    expect([...(shifted.get("w.u8_")?.rawData ?? [])]).toEqual([0, 255, 128, 193]);
    expect([...(shifted.get("w_zero.u8")?.rawData ?? [])]).toEqual([0, 131]);
  });

  test("adds the zero point that was left out", async () => {
    const model = productModel([-128, 127, 100, 65], ["x", "w"]);
    const session = await createRawSession(portableForm(model));
    const { y } = await runSession(session, { x: host("u8", [1, 2], [255, 254]) });
    expect(y?.data).toEqual(Int32Array.of(255 * -128 + 254 * 100, 255 * 127 + 254 * 65));
  });

  test("refuses a computed zero point of weights over 7 bits", () => {
    const model = new ModelBuilder(13)
      .input("x", "u8", [1, 2])
      .input("z", "i8", [])
      .initializer("w", host("i8", [2, 1], [127, 127]))
      .initializer("x_zero", scalar("u8", 0));
    const bytes = model
      .node("MatMulInteger", ["x", "w", "x_zero", "z"], ["y"])
      .output("y", "i32", [1, 1])
      .encode();
    expect(() => portableForm(bytes)).toThrow(expect.objectContaining({ code: "KERNEL_FORM" }));
  });
});

describe("createSession", () => {
  test("gives the known answers for weights over 7 bits whether or not this CPU saturates", async () => {
    for (const { name, make } of wide) {
      const { model, feeds } = make();
      expect([name, await hashOf(model, feeds, createSession)]).toEqual([name, KNOWN_ANSWERS[name]]);
    }
  });

  test("keeps int8 weights where the kernel is proven exact, and the portable form elsewhere", async () => {
    const model = productModel([-128, 127, 0, 65], ["x", "w", "x_zero", "w_zero"]);
    expect(await runnableForm(model, async () => true)).toBe(model);
    expect(await runnableForm(model, async () => false)).toEqual(portableForm(model));
    // What this CPU does is not known here; that the vectors tell is.
    const vector = wide.find(({ op }) => op === "MatMulInteger");
    if (!vector) throw new Error("no vector");
    const { model: product, feeds } = vector.make();
    const exact = (await hashOf(product, feeds)) === KNOWN_ANSWERS[vector.name];
    if (!exact) expect(await isExactForAllWeights("MatMulInteger")).toBe(false);
  });
});
