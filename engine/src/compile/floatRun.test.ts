import { expect, test } from "vitest";
import { encodeGraph } from "../onnx/encodeGraph.ts";
import { importModel } from "../onnx/import.ts";
import { bytesOf, type HostTensor, i64Tensor } from "../onnx/tensor.ts";
import { createSession, runSession } from "../run/onnxruntime.ts";
import { randomSamples, randomTensor, smallModel } from "../testing/compileSmall.ts";
import { FloatRun } from "./floatRun.ts";

/** Convolutions of 4 MB each, each read by the next two. */
function chain(length: number) {
  const sizes = [1, 4, 512, 512];
  return smallModel(17, { x: sizes }, { y: sizes }, (m, random) => {
    for (let k = 0; k < length; k++) {
      const [before, last] = [k < 2 ? "x" : `v${k - 2}`, k < 1 ? "x" : `v${k - 1}`];
      m.initializer(`w${k}`, randomTensor(random, [4, 4, 3, 3], -0.2, 0.2));
      m.node("Conv", [last, `w${k}`], [`c${k}`], { pads: [1, 1, 1, 1] });
      m.node("Add", [`c${k}`, before], [k === length - 1 ? "y" : `v${k}`]);
    }
  });
}

test("FloatRun gives each value once, in order, the same bytes as one session", async () => {
  const { model, specs } = chain(12);
  const graph = importModel(model);
  const names = graph.nodes.flatMap((node) => node.outputs);
  const session = await createSession(encodeGraph(graph, names), { intraOpNumThreads: 1 });
  const run = new FloatRun(graph);
  for (const sample of randomSamples(specs, 2, 1)) {
    const expected = await runSession(session, sample);
    const visited: string[] = [];
    await run.run(sample, (name, value) => {
      visited.push(name);
      expect(Buffer.compare(bytesOf(value), bytesOf(expected[name] as HostTensor))).toBe(0);
    });
    expect(visited).toEqual(names);
  }
  await run.release();
  await session.release();
});

test("FloatRun refuses what computed sizes make huge before it is made", async () => {
  const { model, specs } = smallModel(17, { x: [1, 4] }, { y: [1] }, (m) => {
    m.initializer("many", i64Tensor([2 ** 20, 2 ** 20]));
    m.node("Shape", ["x"], ["shape"]).node("Mul", ["shape", "many"], ["sizes"]);
    m.node("Expand", ["x", "sizes"], ["huge"]).node("ReduceMax", ["huge"], ["y"]);
  });
  const run = new FloatRun(importModel(model));
  const [sample = {}] = randomSamples(specs, 1, 1);
  await expect(run.run(sample, () => {})).rejects.toMatchObject({ code: "ONNX_SHAPE" });
  await run.release();
});
