import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evaluateRun } from "@surety/challenger/dispute";
import {
  type Bundle,
  compileModel,
  inputsToBytes,
  modelInputs,
  outputElements,
  readInputs,
  writeBundle,
} from "@surety/engine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeSimulation, type Simulation, simulateDispute, type Tamper } from "./index.ts";
import { tamperedTrace } from "./tamper.ts";

const FIXTURES = join(import.meta.dirname, "../../../fixtures/mnist");
const bundleDir = mkdtempSync(join(tmpdir(), "surety-simulate-"));
let bundle: Bundle;

/** Random numbers that a failing test can repeat. */
function seeded(seed: number) {
  let state = seed >>> 0;
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const simulate = (tamper: Tamper, digit = 0) =>
  simulateDispute({ bundleDir, input: join(FIXTURES, `test_data_set_${digit}`), tamper });

function expectWithinBars(result: Simulation): void {
  expect(result.movesBySide.challenger).toBeLessThanOrEqual(6);
  expect(result.movesBySide.poster).toBeLessThanOrEqual(6);
  expect(result.gas.total).toBeLessThanOrEqual(2_500_000);
  expect(result.gas.step).toBeLessThanOrEqual(1_000_000);
}

beforeAll(async () => {
  const model = readFileSync(join(FIXTURES, "mnist-8.onnx"));
  const calibration = readInputs(join(FIXTURES, "train-1000-images-idx3-ubyte.gz"), modelInputs(model));
  bundle = await compileModel({ model, calibration: calibration.slice(0, 32) });
  writeBundle(bundle, bundleDir);
});

afterAll(() => rmSync(bundleDir, { recursive: true, force: true }));

describe("simulateDispute on MNIST", () => {
  it("a changed activation anywhere is found, to the layer and the element", async () => {
    const random = seeded(20_240);
    for (let round = 0; round < 8; round += 1) {
      const layer = round < bundle.instructions.length ? round : random(bundle.instructions.length);
      const instruction = bundle.instructions[layer];
      if (instruction === undefined) throw new Error(`There is no layer ${layer}.`);
      const element = random(outputElements(instruction));
      const result = await simulate({ layer, element }, round % 3);
      expect(result).toMatchObject({ winner: "challenger", layer, element });
      expectWithinBars(result);
    }
  });

  it("a changed output is found in the last layer", async () => {
    const result = await simulate("output");
    expect(result).toMatchObject({ winner: "challenger", layer: bundle.header.outputs[0]?.instruction });
    expectWithinBars(result);
    expect(result.transactions).toBe(result.moves);
    expect(describeSimulation(result)).toContain("Winner: challenger.");
  });

  it("an honest poster wins against a liar that has nothing to show", async () => {
    const result = await simulate("none");
    expect(result).toMatchObject({
      winner: "poster",
      layer: null,
      element: null,
      refusedStep: "ElementIsRight",
    });
    expect(result.gas.step).toBe(0);
    expect(result.transcript.at(-1)).toMatchObject({ by: "poster", move: "claimTimeout" });
  });

  it("a changed activation that the output does not show is still found where it is", async () => {
    const [sample] = readInputs(join(FIXTURES, "test_data_set_0"), bundle.manifest.inputs);
    const inputs = inputsToBytes(bundle, sample ?? {});
    const own = evaluateRun(bundle, Buffer.concat(inputs));
    const random = seeded(11);
    const tampers = Array.from({ length: 200 }, () => {
      const layer = random(bundle.instructions.length - 1);
      return { layer, element: random(own.trace.tensorBytes(layer).length) };
    });
    const masked = tampers.find((tamper) => tamperedTrace(bundle, inputs, own.trace, tamper).masked);
    if (masked === undefined) throw new Error("All of 200 changes show in the output.");
    expect(await simulate(masked)).toMatchObject({ winner: "challenger", masked: true, ...masked });
  });

  it("refuses a layer or an element that is not there", async () => {
    await expect(simulate({ layer: 99, element: 0 })).rejects.toThrow(/layers 0 to/);
    await expect(simulate({ layer: 0, element: 10 ** 8 })).rejects.toThrow(/elements 0 to/);
  });
});
