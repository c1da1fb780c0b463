import { describe, expect, test } from "vitest";
import type { AttributeInput } from "../onnx/build.ts";
import { compileAndCompare, randomTensor, typedModel } from "../testing/compileSmall.ts";

const GATES = { RNN: 1, GRU: 3, LSTM: 4 } as const;
const [STEPS, BATCH, INPUT, HIDDEN] = [4, 2, 3, 5];

interface Options {
  readonly attributes?: Record<string, AttributeInput>;
  readonly directions?: number;
  /** Which of bias, sequence_lens, initial_h, initial_c, P there are. */
  readonly extras?: readonly ("B" | "lengths" | "h" | "c" | "P")[];
  readonly batchFirst?: boolean;
}

function recurrent(
  op: keyof typeof GATES,
  { attributes = {}, directions = 1, extras = ["B"], batchFirst = false }: Options,
) {
  const size = GATES[op] * HIDDEN;
  const swapped = (a: number, b: number) => (batchFirst ? [b, a] : [a, b]);
  const all = batchFirst ? [BATCH, STEPS, directions, HIDDEN] : [STEPS, directions, BATCH, HIDDEN];
  const last = [...swapped(directions, BATCH), HIDDEN];
  const inputs = ["x", "w", "r", "b", "lengths", "h", ...(op === "LSTM" ? ["c", "p"] : [])];
  return typedModel(
    14,
    {
      x: ["f32", [...swapped(STEPS, BATCH), INPUT]],
      ...(extras.includes("h") ? { h: ["f32", last] as const } : {}),
    },
    { y: ["f32", all], yh: ["f32", last], ...(op === "LSTM" ? { yc: ["f32", last] as const } : {}) },
    (m, random) => {
      m.initializer("w", randomTensor(random, [directions, size, INPUT], -0.5, 0.5));
      m.initializer("r", randomTensor(random, [directions, size, HIDDEN], -0.5, 0.5));
      if (extras.includes("B")) m.initializer("b", randomTensor(random, [directions, 2 * size], -0.5, 0.5));
      if (extras.includes("lengths"))
        m.initializer("lengths", { type: "i32", dims: [BATCH], data: Int32Array.of(4, 2) });
      if (extras.includes("c")) m.initializer("c", randomTensor(random, last));
      if (extras.includes("P")) m.initializer("p", randomTensor(random, [directions, 3 * HIDDEN]));
      const present: Record<string, boolean> = {
        b: extras.includes("B"),
        lengths: extras.includes("lengths"),
        h: extras.includes("h"),
        c: extras.includes("c"),
        p: extras.includes("P"),
      };
      const names = inputs.map((name) => (present[name] === false ? "" : name));
      m.node(op, names, op === "LSTM" ? ["y", "yh", "yc"] : ["y", "yh"], {
        hidden_size: HIDDEN,
        ...(batchFirst ? { layout: 1 } : {}),
        ...attributes,
      });
    },
  );
}

const cases: Record<string, ReturnType<typeof typedModel>> = {
  RNN: recurrent("RNN", {}),
  "RNN reverse, clipped": recurrent("RNN", {
    attributes: { direction: "reverse", clip: { float: 0.5 } },
    extras: ["B", "h"],
  }),
  GRU: recurrent("GRU", { extras: [] }),
  "GRU linear before reset": recurrent("GRU", { attributes: { linear_before_reset: 1 } }),
  "GRU both ways, lengths, first state": recurrent("GRU", {
    attributes: { direction: "bidirectional" },
    directions: 2,
    extras: ["B", "lengths", "h"],
  }),
  LSTM: recurrent("LSTM", {}),
  "LSTM both ways": recurrent("LSTM", {
    attributes: { direction: "bidirectional" },
    directions: 2,
    extras: ["B", "h", "c"],
  }),
  "LSTM with peepholes and lengths": recurrent("LSTM", { extras: ["B", "lengths", "h", "c", "P"] }),
  "LSTM of coupled gates, in reverse": recurrent("LSTM", {
    attributes: { input_forget: 1, direction: "reverse" },
    extras: ["B", "h", "c"],
  }),
  "GRU with the batch in front": recurrent("GRU", { batchFirst: true, extras: ["B", "h"] }),
  "LSTM both ways with the batch in front": recurrent("LSTM", {
    batchFirst: true,
    directions: 2,
    attributes: { direction: "bidirectional" },
  }),
};

describe("recurrent layers, unrolled: onnxruntime and the program byte for byte, and close to float", () => {
  test.each(Object.entries(cases))("%s", async (_, { model, specs }) => {
    const { manifest } = await compileAndCompare(model, specs);
    expect(manifest.accuracy.cosineMin).toBeGreaterThan(0.995);
  });
});
