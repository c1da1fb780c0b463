import { ModelBuilder } from "../../onnx/build.ts";
import { encodeGraph } from "../../onnx/encodeGraph.ts";
import type { Graph } from "../../onnx/graph.ts";
import { importModel } from "../../onnx/import.ts";
import { bytesOf, type HostTensor } from "../../onnx/tensor.ts";
import { createRawSession, runSession } from "../rawSession.ts";
import { drawFrom, filled } from "../vectors/vector.ts";
import { blockedImages } from "./blockedImages.ts";

/** What onnxruntime uses on x86: 16 with AVX-512, else 8. */
const SIZES = [16, 8];

let found: Promise<number | undefined> | undefined;

/**
 * How many channels a block has on this CPU: the size with which a graph that has every form of convolution gives the same bytes as without blocks. Tried
 * once in a process; only on x86, for elsewhere onnxruntime may not have the layout and does not say so.
 *
 * @returns undefined where no size does
 */
export function blockSize(): Promise<number | undefined> {
  found ??= search();
  return found;
}

async function search(): Promise<number | undefined> {
  if (process.arch !== "x64") return undefined;
  const { graph, feeds, dims } = probe();
  const expected = await outputsOf(graph, feeds);
  for (const size of SIZES) {
    try {
      const actual = await outputsOf(
        blockedImages(graph, size, (name) => dims.get(name)),
        feeds,
      );
      if (actual.every((bytes, k) => Buffer.compare(bytes, expected[k] as Uint8Array) === 0)) return size;
    } catch {
      // onnxruntime refuses filters that are not made of its blocks.
    }
  }
  return undefined;
}

async function outputsOf(graph: Graph, feeds: Readonly<Record<string, HostTensor>>): Promise<Uint8Array[]> {
  const session = await createRawSession(encodeGraph(graph), { intraOpNumThreads: 1 });
  try {
    const results = await runSession(session, feeds);
    return graph.outputs.map(({ name }) => bytesOf(results[name] as HostTensor));
  } finally {
    await session.release();
  }
}

/** Every form of convolution and of reordering, on numbers whose sums f32 just holds. */
function probe() {
  const draw = drawFrom("blocked images");
  const model = new ModelBuilder(21);
  const dims = new Map<string, readonly number[]>();
  const set = (name: string, shape: readonly number[]) => {
    dims.set(name, shape);
    return name;
  };
  const feeds: Record<string, HostTensor> = {};
  const input = (name: string, shape: readonly number[]) => {
    feeds[name] = filled("f32", shape, () => draw.int(-500, 500));
    model.input(set(name, shape), "f32", shape);
  };
  const scalar = (name: string, value: number) =>
    model.initializer(name, { type: "f32", dims: [], data: Float32Array.of(value) });
  const convolve = (
    [from, to]: readonly [string, string],
    filter: readonly number[],
    shape: readonly number[],
    attributes: Readonly<Record<string, number | readonly number[]>>,
  ) => {
    model.initializer(
      `${to}.w`,
      filled("f32", filter, () => draw.int(-90, 90)),
    );
    model.initializer(
      `${to}.b`,
      filled("f32", [filter[0] as number], () => draw.int(-9999, 9999)),
    );
    model.node("Conv", [from, `${to}.w`, `${to}.b`], [to], attributes);
    set(to, shape);
  };
  const output = (name: string) => model.output(name, "f32", dims.get(name) as number[]);

  input("x", [2, 3, 13, 17]);
  convolve(["x", "first"], [20, 3, 3, 3], [2, 20, 7, 9], { strides: [2, 2], pads: [1, 1, 1, 1] });
  model.node("Relu", ["first"], [set("positive", [2, 20, 7, 9])]);
  model.initializer(
    "scales",
    filled("f32", [1, 20, 1, 1], () => draw.int(1, 1000) / 4099),
  );
  model.node("Mul", ["positive", "scales"], [set("scaled", [2, 20, 7, 9])]);
  scalar("step", 1 / 7);
  scalar("low", -255);
  scalar("high", 255);
  model.node("Mul", ["scaled", "step"], [set("steps", [2, 20, 7, 9])]);
  model.node("Clip", ["steps", "low", "high"], [set("clipped", [2, 20, 7, 9])]);
  model.node("Round", ["clipped"], [set("whole", [2, 20, 7, 9])]);
  output("whole");
  convolve(["whole", "deep"], [20, 1, 5, 5], [2, 20, 7, 9], { group: 20, pads: [2, 2, 2, 2] });
  convolve(["whole", "points"], [36, 20, 1, 1], [2, 36, 7, 9], {});
  convolve(["whole", "strided"], [18, 20, 1, 1], [2, 18, 4, 5], { strides: [2, 2] });
  convolve(["whole", "dense"], [41, 20, 3, 3], [2, 41, 7, 9], { dilations: [2, 2], pads: [2, 2, 2, 2] });
  convolve(["whole", "free"], [24, 20, 1, 1], [2, 24, 7, 9], {});
  model.node("Clip", ["free", "low", "high"], [set("held", [2, 24, 7, 9])]);
  const pool = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
  model.node("MaxPool", ["whole"], [set("largest", [2, 20, 4, 5])], pool);
  model.node("Abs", ["largest"], [set("magnitudes", [2, 20, 4, 5])]);
  for (const name of ["magnitudes", "deep", "points", "strided", "dense", "held"]) output(name);

  input("y", [1, 7, 9, 28]);
  model.node("Transpose", ["y"], [set("planes", [1, 28, 7, 9])], { perm: [0, 3, 1, 2] });
  convolve(["planes", "again"], [12, 28, 3, 3], [1, 12, 5, 7], {});
  model.node("Transpose", ["again"], [set("last", [1, 5, 7, 12])], { perm: [0, 2, 3, 1] });
  output("last");
  return { graph: importModel(model.encode()), feeds, dims };
}
