import { describe, expect, test } from "vitest";
import type { InputSample, InputSpec } from "../inputs/readInputs.ts";
import type { AttributeInput } from "../onnx/build.ts";
import { type HostTensor, tensorFromBytes } from "../onnx/tensor.ts";
import { createSession, runSession } from "../run/onnxruntime.ts";
import { openModel } from "../run/session.ts";
import { compileAndCompare, randomNumbers, randomSamples, typedModel } from "../testing/compileSmall.ts";
import { compileModel } from "./compileModel.ts";

const [ROWS, FEATURES] = [7, 5];
const MODES = "BRANCH_LEQ BRANCH_LT BRANCH_GTE BRANCH_GT BRANCH_EQ BRANCH_NEQ".split(" ");

interface Options {
  readonly trees?: number;
  readonly depth?: number;
  readonly targets?: number;
  /** The target of a tree's weights, or none: all. */
  readonly only?: (tree: number) => number;
  readonly low?: number;
  readonly modes?: readonly string[];
}

/** Trees of random shape over thresholds that are quarters, which random features hit only where they are quarters too. */
function randomTrees(
  seed: number,
  prefix: "target" | "class",
  options: Options,
): Record<string, AttributeInput> {
  const { trees = 5, depth = 4, targets = 1, only, low = -1, modes = MODES.slice(0, 1) } = options;
  const random = randomNumbers(seed);
  const nodes: {
    tree: number;
    id: number;
    mode: string;
    feature: number;
    value: number;
    yes: number;
    no: number;
  }[] = [];
  const weights: { tree: number; id: number; target: number; weight: number }[] = [];
  for (let tree = 0; tree < trees; tree++) {
    let next = 1;
    const grow = (id: number, level: number) => {
      const isLeaf = level === depth || (level > 1 && random() < 0.2);
      if (isLeaf) {
        nodes.push({ tree, id, mode: "LEAF", feature: 0, value: 0, yes: 0, no: 0 });
        for (let target = 0; target < targets; target++)
          if (!only || only(tree) === target)
            weights.push({ tree, id, target, weight: low + (1 - low) * random() });
        return;
      }
      const [yes, no] = [next++, next++];
      const mode = modes[Math.floor(random() * modes.length)] as string;
      const feature = Math.floor(random() * FEATURES);
      const value = Math.round(8 * random() - 4) / 4;
      nodes.push({ tree, id, mode, feature, value, yes, no });
      grow(yes, level + 1);
      grow(no, level + 1);
    };
    grow(0, 0);
  }
  return {
    nodes_treeids: nodes.map(({ tree }) => tree),
    nodes_nodeids: nodes.map(({ id }) => id),
    nodes_featureids: nodes.map(({ feature }) => feature),
    nodes_modes: { strings: nodes.map(({ mode }) => mode) },
    nodes_values: { floats: nodes.map(({ value }) => value) },
    nodes_truenodeids: nodes.map(({ yes }) => yes),
    nodes_falsenodeids: nodes.map(({ no }) => no),
    [`${prefix}_treeids`]: weights.map(({ tree }) => tree),
    [`${prefix}_nodeids`]: weights.map(({ id }) => id),
    [`${prefix}_ids`]: weights.map(({ target }) => target),
    [`${prefix}_weights`]: { floats: weights.map(({ weight }) => weight) },
  };
}

type Small = ReturnType<typeof typedModel>;

function regressor(options: Options, attributes: Record<string, AttributeInput> = {}): Small {
  const targets = options.targets ?? 1;
  return typedModel(17, { x: ["f32", [ROWS, FEATURES]] }, { y: ["f32", [ROWS, targets]] }, (m) => {
    m.node("ai.onnx.ml.TreeEnsembleRegressor", ["x"], ["y"], {
      n_targets: targets,
      ...randomTrees(11, "target", options),
      ...attributes,
    });
  });
}

function classifier(
  labels: readonly number[],
  options: Options,
  attributes: Record<string, AttributeInput> = {},
): Small {
  const outputs = { label: ["i64", [ROWS]], y: ["f32", [ROWS, labels.length]] } as const;
  return typedModel(17, { x: ["f32", [ROWS, FEATURES]] }, outputs, (m) => {
    m.node("ai.onnx.ml.TreeEnsembleClassifier", ["x"], ["label", "y"], {
      classlabels_int64s: labels,
      ...randomTrees(12, "class", { targets: labels.length, ...options }),
      ...attributes,
    });
  });
}

const text = (value: string): Record<string, AttributeInput> => ({ post_transform: value });
const base = (...floats: number[]): Record<string, AttributeInput> => ({ base_values: { floats } });
const average = { aggregate_function: "AVERAGE" };
const first = () => 0;
const second = () => 1;

/** A Scaler of the features, as converters put it in front of trees. */
function scaled(offset: readonly number[], scale: readonly number[]): Small {
  const sizes = [ROWS, FEATURES];
  return typedModel(17, { x: ["f32", sizes] }, { y: ["f32", sizes] }, (m) => {
    m.node("ai.onnx.ml.Scaler", ["x"], ["y"], { offset: { floats: offset }, scale: { floats: scale } });
  });
}

const cases: Record<string, Small> = {
  "a scaler": scaled([0.1, -0.2, 0.3, 0, 1], [2, 0.3, 1, -1, 7]),
  "a scaler of one number": scaled([0.1], [0.7]),
  "a regressor": regressor({}),
  "a regressor, every mode": regressor({ modes: MODES, trees: 20 }),
  "a regressor of 101 trees with a base value": regressor({ trees: 101 }, base(0.25)),
  "a regressor, averaging": regressor({ targets: 3 }, { ...average, ...base(1, 2, 3) }),
  "a regressor of minima": regressor({ targets: 2 }, { aggregate_function: "MIN" }),
  "a regressor of maxima": regressor({}, { aggregate_function: "MAX", ...base(0.5) }),
  "a regressor with softmax": regressor({ targets: 3 }, text("SOFTMAX")),
  "a regressor of one target, logistic": regressor({}, text("LOGISTIC")),
  "a classifier": classifier([3, 5, 9], {}),
  "a classifier, one class per tree, softmax": classifier(
    [0, 1, 2],
    { trees: 9, only: (tree) => tree % 3 },
    text("SOFTMAX"),
  ),
  "a classifier with base values, logistic": classifier(
    [1, 2, 3, 4],
    { only: (tree) => tree % 2 },
    { ...base(0.5, 1, 0.1, 0.2), ...text("LOGISTIC") },
  ),
  "two classes": classifier([4, 7], {}),
  "two classes with base values": classifier([4, 7], {}, base(0.3, 0.3)),
  "two classes with one base value": classifier([0, 1], {}, base(0.3)),
  "two classes, weights of the first": classifier([4, 7], { only: first }),
  "two classes, weights of the first, logistic": classifier([4, 7], { only: first }, text("LOGISTIC")),
  "two classes, weights of the first, with a base value": classifier([4, 7], { only: first }, base(0.3)),
  "two classes, weights of the first, with two base values": classifier(
    [4, 7],
    { only: first },
    base(0.3, 0.4),
  ),
  "two classes, positive weights of the first": classifier([4, 7], { only: first, low: 0, trees: 1 }),
  "two classes, positive weights of the second": classifier([4, 7], { only: second, low: 0, trees: 1 }),
  "two classes, weights of the second, softmax": classifier([4, 7], { only: second }, text("SOFTMAX")),
};

describe("ensembles of trees", () => {
  test.each(Object.entries(cases))("%s", async (_, { model, specs }) => {
    await compileAndCompare(model, specs);
    await compareWithSource(model, specs);
  });

  const refused: Record<string, readonly [Small, string]> = {
    PROBIT: [regressor({}, text("PROBIT")), "post_transform PROBIT"],
    "labels that are strings": [
      classifier([0, 1], {}, { classlabels_int64s: [], classlabels_strings: { strings: ["a", "b"] } }),
      "its labels are strings",
    ],
  };
  test.each(Object.entries(refused))("refuses %s by name", async (_, [{ model, specs }, reason]) => {
    const calibration = randomSamples(specs, 1, 1);
    await expect(compileModel({ model, calibration })).rejects.toThrow(reason);
  });
});

/** Features that are quarters: on the thresholds as often as beside them. */
function quarters(sample: InputSample): InputSample {
  const round = (tensor: HostTensor): HostTensor => ({
    ...tensor,
    data: (tensor.data as Float32Array).map((value) => Math.round(value * 4) / 4),
  });
  return Object.fromEntries(Object.entries(sample).map(([name, tensor]) => [name, round(tensor)]));
}

/** The bundle's outputs are the source model's own: labels equal, scores but for the last bits. */
async function compareWithSource(model: Uint8Array, specs: readonly InputSpec[]): Promise<void> {
  const bundle = await compileModel({ model, calibration: randomSamples(specs, 20, 1) });
  const exact = await openModel(bundle, { intraOpNumThreads: 1 });
  const source = await createSession(model, { intraOpNumThreads: 1, optimisation: "fast" });
  try {
    const samples = randomSamples(specs, 12, 5);
    for (const sample of [...samples, ...samples.map(quarters)]) {
      const expected = await runSession(source, sample);
      const actual = await exact.run(sample);
      bundle.manifest.outputs.forEach(({ name, dtype, shape }, index) => {
        const got = tensorFromBytes(dtype, shape, actual[index] as Uint8Array);
        const want = expected[name] as HostTensor;
        expect([name, got.dims]).toEqual([name, want.dims]);
        if (dtype === "i64") expect([name, ...got.data]).toEqual([name, ...want.data]);
        else
          got.data.forEach((value, k) => {
            const target = Number(want.data[k]);
            const off = Math.abs(Number(value) - target);
            expect([name, k, value, target, off <= 2e-6 * Math.max(1, Math.abs(target))]).toEqual([
              name,
              k,
              value,
              target,
              true,
            ]);
          });
      });
    }
  } finally {
    await exact.release();
    await source.release();
  }
}
