import { describe, expect, test } from "vitest";
import { compareTraces, randomSamples, randomTensor, smallModel } from "../../testing/compileSmall.ts";
import { compileModel } from "../compileModel.ts";
import { climb } from "./climb.ts";
import type { Rungs } from "./rung.ts";

/** Three convolutions, the weights of the middle one hard to quantise: one of each channel dwarfs the rest. */
const { model, specs } = smallModel(13, { x: [1, 3, 8, 8] }, { y: [1, 4, 8, 8] }, (m, random) => {
  const filter = randomTensor(random, [6, 6, 3, 3]);
  const data = (filter.data as Float32Array).map((value, k) => (k % 54 === 0 ? 40 * value : value));
  m.initializer("u", randomTensor(random, [6, 3, 3, 3])).initializer("v", { ...filter, data });
  m.initializer("w", randomTensor(random, [4, 6, 3, 3]));
  const pads = [1, 1, 1, 1];
  m.node("Conv", ["x", "u"], ["1"], { pads }).node("Conv", ["1", "v"], ["2"], { pads });
  m.node("Conv", ["2", "w"], ["y"], { pads });
});
const calibration = randomSamples(specs, 6, 1);
const compile = (minAgreement: number) => compileModel({ model, calibration, minAgreement });

describe("compileModel with minAgreement", () => {
  test("leaves all on rung 0 where that is enough", async () => {
    const { precision } = (await compile(0.9)).manifest;
    expect(precision.rungs).toEqual({});
    expect(precision.climb).toMatchObject({ reached: true, trials: 1, layers: [] });
  });

  test("raises the layer that costs most first, and says what each costs", async () => {
    const bundle = await compile(0.9996);
    const { precision, accuracy } = bundle.manifest;
    expect(accuracy.cosineMin).toBeGreaterThanOrEqual(0.9996);
    expect(precision.climb?.reached).toBe(true);
    const [first] = precision.climb?.layers ?? [];
    expect(first?.layer).toBe("2");
    expect(first?.after).toBeLessThan(first?.before as number);
    await compareTraces(bundle, randomSamples(specs, 2, 9));
  });

  test("gives the same model again from the rungs in the manifest", async () => {
    const bundle = await compile(0.9996);
    const { rungs } = bundle.manifest.precision;
    expect((await compileModel({ model, calibration, rungs })).modelId).toBe(bundle.modelId);
  });

  test("climbs to the last rung for the highest demands", async () => {
    const { precision, accuracy } = (await compile(1 - 1e-7)).manifest;
    expect(accuracy.cosineMin).toBeGreaterThanOrEqual(1 - 1e-7);
    expect(Object.values(precision.rungs)).toContain(4);
  });

  test("says what was reached and which layer costs most where it cannot be done", async () => {
    const { precision } = (await compile(1)).manifest;
    expect(precision.climb?.reached).toBe(false);
    expect(precision.climb?.costliest?.op).toBe("Conv");
  });
});

describe("climb", () => {
  const errors = Array.from({ length: 20 }, (_, k) => ({
    layer: `${k}`,
    node: `n${k}`,
    op: "Conv",
    errors: [20 - k, 19 - k, 0.01, 0.001] as const,
  }));
  const attempt = async (rungs: Rungs) => {
    const noiseOf = ({ layer, errors: list }: (typeof errors)[number]) =>
      [...list, 0][rungs.get(layer) ?? 0] as number;
    const noise = errors.reduce((sum, error) => sum + noiseOf(error), 0);
    return { accuracy: { samples: 1, cosineMean: 1 - noise / 1e3, cosineMin: 1 - noise / 1e3, outputs: [] } };
  };

  test("raises as few layers as will do, in few trials", async () => {
    const { reached, climbed, trials } = await climb(async () => errors, 1 - 0.1, attempt);
    // 210 - 20 - 19 - ... - 14 = 91 and eight hundredths.
    expect(reached).toBe(true);
    expect(climbed.map(({ layer }) => layer)).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
    expect(trials).toBeLessThanOrEqual(8);
  });
});
