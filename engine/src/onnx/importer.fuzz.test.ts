import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SuretyError } from "@surety/protocol";
import { describe, expect, test } from "vitest";
import { host } from "../run/vectors/vector.ts";
import { vetReport } from "../run/vetting/vetModel.ts";
import { randomNumbers } from "../testing/compileSmall.ts";
import { ModelBuilder } from "./build.ts";
import { foldConstants } from "./foldConstants.ts";
import { importModel } from "./import.ts";
import { decodeModel, encodeModel, type GraphProto, type NodeProto } from "./proto.ts";

/** As all seeded tests: SURETY_FUZZ_SEED repeats a run, SURETY_FUZZ_FACTOR makes it longer. */
const SEED = Number(process.env.SURETY_FUZZ_SEED ?? 20_260_101);
const FACTOR = Number(process.env.SURETY_FUZZ_FACTOR ?? 1);
const mnist = readFileSync(join(import.meta.dirname, "../../../fixtures/mnist/mnist-8.onnx"));
/** A file takes well under a second; machines may be busy. */
const LONGEST_MS = 20_000;

/** Quantised, with attributes, constants and a Split: what MNIST has not. */
const quantised = new ModelBuilder(13)
  .input("x", "f32", ["batch", 4])
  .initializer("s", host("f32", [], [0.5]))
  .initializer("z", host("u8", [], [3]))
  .initializer("w", host("i8", [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]))
  .initializer("wz", host("i8", [], [0]))
  .initializer("parts", host("i64", [2], [1, 1]))
  .node("QuantizeLinear", ["x", "s", "z"], ["q"])
  .node("QLinearMatMul", ["q", "s", "z", "w", "s", "wz", "s", "z"], ["p"])
  .node("DequantizeLinear", ["p", "s", "z"], ["d"])
  .node("Split", ["d", "parts"], ["a", "b"], { axis: 1 })
  .node("Concat", ["b", "a"], ["y"], { axis: 1 })
  .output("y", "f32", ["batch", 2])
  .encode();
const SOURCES = [mnist, quantised];

type Random = () => number;
const below = (random: Random, limit: number) => Math.floor(random() * limit);
function pick<Value>(random: Random, values: readonly Value[]): Value | undefined {
  return values[below(random, values.length)];
}

/** Bytes flipped, overwritten, cut off, or spliced in from elsewhere. */
function mutateBytes(random: Random, source: Uint8Array): Uint8Array {
  let bytes = new Uint8Array(source);
  for (let change = 0; change < 1 + random() * 4; change++) {
    // Mostly in the structure, at the beginning.
    const at = below(random, random() < 0.8 ? Math.min(1800, bytes.length) : bytes.length);
    const kind = below(random, 4);
    if (kind === 0) bytes[at] = below(random, 256);
    else if (kind === 1) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8));
    else if (kind === 2 && random() < 0.3) bytes = bytes.slice(0, at);
    else {
      const other = SOURCES[below(random, SOURCES.length)] as Uint8Array;
      const from = below(random, other.length);
      const piece = other.subarray(from, from + below(random, 200));
      bytes = new Uint8Array(Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]));
    }
  }
  return bytes;
}

const SIZES = [0, -1, 1, 3, 2 ** 31, 2 ** 40, 2 ** 53, Number.MAX_SAFE_INTEGER];
const OPS = ["Cast", "Reshape", "Concat", "Gather", "Add", "Conv", "Loop", "Expand", "Div", "", "NoSuchOp"];

/** One change that keeps the file an ONNX file: to a node, a tensor, an input or an output. */
function mutateGraph(random: Random, graph: GraphProto): void {
  const nodes = graph.node ?? [];
  const tensors = graph.initializer ?? [];
  const infos = [...(graph.input ?? []), ...(graph.output ?? [])];
  const node = pick(random, nodes);
  const tensor = pick(random, tensors);
  const names = [...nodes.flatMap(({ input = [], output = [] }) => [...input, ...output]), "", "nobody"];
  const changes: (() => unknown)[] = [
    () => nodes.splice(below(random, nodes.length), 1),
    () => node && nodes.splice(below(random, nodes.length), 0, structuredClone(node) as NodeProto),
    () => node?.input?.splice(below(random, node.input.length), 1, pick(random, names) ?? ""),
    () => node?.output?.splice(0, 1, pick(random, names) ?? ""),
    () => node && Object.assign(node, { opType: pick(random, OPS) }),
    () =>
      node &&
      Object.assign(node, {
        name: "n".repeat(below(random, 2_000)),
        domain: pick(random, ["", "x", "com.microsoft"]),
      }),
    () => nodes.reverse(),
    () => {
      const attribute = pick(random, node?.attribute ?? []);
      if (attribute)
        Object.assign(attribute, {
          type: below(random, 15),
          i: pick(random, SIZES),
          ints: Array.from({ length: below(random, 9) }, () => pick(random, SIZES)),
        });
    },
    () =>
      node &&
      Object.assign(node, { attribute: [{ name: "axis", type: 7, ints: new Array(100_000).fill(7) }] }),
    () => tensors.splice(below(random, tensors.length), 1),
    () => tensor && tensors.push(tensor),
    () => tensor && Object.assign(tensor, { dims: [pick(random, SIZES), ...(tensor.dims ?? [])] }),
    () => tensor && Object.assign(tensor, { dataType: below(random, 25) }),
    () => tensor && Object.assign(tensor, { name: pick(random, names) }),
    () =>
      tensor &&
      Object.assign(tensor, { dataLocation: 1, externalData: [{ key: "location", value: "/etc/passwd" }] }),
    () => {
      const info = pick(random, infos);
      const type = info?.type?.tensorType;
      if (type)
        Object.assign(type, {
          elemType: below(random, 25),
          shape: { dim: [{ dimValue: pick(random, SIZES) as number }] },
        });
    },
    () => {
      const info = pick(random, infos);
      if (info) Object.assign(info, { name: pick(random, names) });
    },
  ];
  pick(random, changes)?.();
}

function mutateStructure(random: Random, source: Uint8Array): Uint8Array {
  const model = decodeModel(source);
  for (let change = 0; change < 1 + random() * 3; change++) mutateGraph(random, model.graph ?? {});
  return encodeModel(model);
}

/** Whether it was read; every refusal is a named error of one line, in bounded time. */
function isRead(bytes: Uint8Array, label: string): boolean {
  const startedAt = performance.now();
  try {
    importModel(bytes);
    return true;
  } catch (error) {
    if (!(error instanceof SuretyError)) throw new Error(`${label}: ${error}`, { cause: error });
    expect(error.shortMessage, label).not.toContain("\n");
    return false;
  } finally {
    expect(performance.now() - startedAt, label).toBeLessThan(LONGEST_MS);
  }
}

describe(`the importer, seed ${SEED}`, () => {
  test.each([
    ["bytes", mutateBytes, 600],
    ["structure", mutateStructure, 600],
  ] as const)("reads mutated %s or refuses them by name", (what, mutate, count) => {
    const random = randomNumbers(SEED);
    let read = 0;
    for (let round = 0; round < count * FACTOR; round++) {
      const source = SOURCES[round % SOURCES.length] as Uint8Array;
      if (isRead(mutate(random, source), `${what}, seed ${SEED}, round ${round}`)) read++;
    }
    // Both happen, or the mutations are of no use.
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(count * FACTOR);
  });

  test("what it reads is then reported on or refused by name, in a process of its own", {
    timeout: 600_000 * FACTOR,
  }, async () => {
    const random = randomNumbers(SEED);
    for (let done = 0, round = 0; done < 3 * FACTOR; round++) {
      const bytes = mutateStructure(random, SOURCES[round % SOURCES.length] as Uint8Array);
      if (!isRead(bytes, `round ${round}`)) continue;
      done++;
      const limits = { timeoutMs: 120_000, memoryBytes: 2 ** 31 };
      await vetReport(bytes, {}, limits).catch((error) => {
        expect(error, `seed ${SEED}, round ${round}`).toBeInstanceOf(SuretyError);
        expect(error.code, `seed ${SEED}, round ${round}: ${error.message}`).toMatch(
          /^(ONNX|MODEL|COMPILE|PROGRAM)_/,
        );
      });
    }
  });

  test("refuses nesting without end", () => {
    // AttributeProto.g = 6, GraphProto.node = 1, NodeProto.attribute = 5: each level inside the one before.
    let inner: Uint8Array = new Uint8Array();
    const wrap = (field: number, bytes: Uint8Array) => {
      const length: number[] = [];
      for (let left = bytes.length; ; left = Math.floor(left / 128)) {
        length.push(left < 128 ? left : (left % 128) + 128);
        if (left < 128) break;
      }
      return Buffer.concat([Uint8Array.of(field * 8 + 2, ...length), bytes]);
    };
    for (let level = 0; level < 5_000; level++) inner = wrap(1, wrap(5, wrap(6, inner)));
    expect(isRead(wrap(7, inner), "nested")).toBe(false);
  });
});

test.each([0, -0.5, Number.NaN, Number.POSITIVE_INFINITY])(
  "refuses the scale %d, naming the node",
  async (scale) => {
    const bytes = new ModelBuilder(13)
      .input("x", "f32", [4])
      .initializer("s", host("f32", [], [scale]))
      .initializer("z", host("u8", [], [0]))
      .node("QuantizeLinear", ["x", "s", "z"], ["q"], {}, "quantise")
      .node("DequantizeLinear", ["q", "s", "z"], ["y"])
      .output("y", "f32", [4])
      .encode();
    await expect(foldConstants(importModel(bytes))).rejects.toMatchObject({
      code: "ONNX_VALUE",
      message: expect.stringContaining('"quantise"'),
    });
  },
);
