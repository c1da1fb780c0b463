import { readFileSync } from "node:fs";
import {
  type Bundle,
  compileModel,
  type InputSample,
  inputsToBytes,
  outputElements,
  worstStepCost,
} from "@surety/engine";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DisputeSimulator, openSimulator, type Simulation } from "../../cli/src/simulate/index.ts";
import { fuzzSeed, type Random, randomFrom } from "../../contracts/test/support/random.ts";
import { describeModel, modelPath } from "../support/sharedModels.ts";
import { MODEL_CASES, type ModelCase } from "./cases.ts";

/** Lies told about each model: 50 of every model in `npm run test:long`, by default two of those whose run takes seconds. */
const TAMPERS = process.env.SURETY_MODEL_TAMPERS;
const QUICK: readonly string[] = ["mnist", "mobilenetv2-int8"];
const COUNT = Number(TAMPERS ?? 2);
const CALIBRATION = 2;

const MOST_STEP_GAS = 1_000_000;
const MOST_STEP_BYTES = 100_000;

for (const model of MODEL_CASES) {
  const wanted = TAMPERS !== undefined || QUICK.includes(model.folder);
  if (wanted) describeModel(model.name, model.folder, () => disputes(model));
  else
    describe.skip(`${model.name} (skipped: takes minutes; set SURETY_MODEL_TAMPERS)`, () => disputes(model));
}

function disputes(model: ModelCase): void {
  const random = randomFrom(fuzzSeed());
  let bundle: Bundle;
  let simulator: DisputeSimulator;

  beforeAll(async () => {
    const source = readFileSync(modelPath(model.folder, model.file));
    const [sample, ...calibration] = model.inputs(CALIBRATION + 1) as [InputSample, ...InputSample[]];
    const { dims, rungs } = model;
    bundle = await compileModel({ model: source, dims, calibration, ...(rungs ? { rungs } : {}) });
    simulator = await openSimulator(bundle, Buffer.concat(inputsToBytes(bundle, sample)));
  }, 1_200_000);
  afterAll(() => simulator?.close());

  test(`the challenger wins against ${COUNT} lies over all layers and elements`, async () => {
    const played: Simulation[] = [];
    for (let round = 0; round < COUNT; round++) {
      const tamper = randomTamper(bundle, random);
      const result = await simulator.play(tamper);
      const facts = `seed ${random.seed}, lie ${round}: ${JSON.stringify(tamper)}`;
      expect(result, facts).toMatchObject({ winner: "challenger", ...tamper });
      requireWithinBounds(bundle, result, facts);
      played.push(result);
    }
    report(model.name, bundle, played, random.seed);
  }, 7_200_000);

  test("an honest poster wins against a challenger that lies", async () => {
    const result = await simulator.play("none");
    expect(result).toMatchObject({ winner: "poster", layer: null, refusedStep: "ElementIsRight" });
  }, 1_200_000);
}

/** Any layer alike, then any of its elements alike: large layers would hide the small ones otherwise. */
function randomTamper({ instructions }: Bundle, random: Random) {
  const layer = random.int(0, instructions.length - 1);
  const instruction = instructions[layer] as Bundle["instructions"][number];
  return { layer, element: random.int(0, outputElements(instruction) - 1) };
}

function requireWithinBounds({ instructions, header }: Bundle, result: Simulation, facts: string): void {
  const { step } = result.gas;
  expect(step, facts).toBeLessThan(MOST_STEP_GAS);
  expect(stepBytes(result), facts).toBeLessThan(MOST_STEP_BYTES);
  const instruction = instructions[result.layer ?? -1] as Bundle["instructions"][number];
  const { gas } = worstStepCost(instruction, Math.max(header.instructionCount, header.weightCount));
  expect(step, `${facts}, against the estimate`).toBeLessThanOrEqual(gas);
}

const stepBytes = ({ transcript }: Simulation) =>
  transcript.find(({ move }) => move === "step")?.calldataBytes ?? 0;

function report(name: string, { instructions }: Bundle, played: readonly Simulation[], seed: number): void {
  const most = (of: (result: Simulation) => number) => Math.max(...played.map(of));
  const dearest = played.toSorted((a, b) => b.gas.step - a.gas.step)[0] as Simulation;
  const figures = {
    seed,
    lies: played.length,
    masked: played.filter(({ masked }) => masked).length,
    instructions: instructions.length,
    mostMoves: most(({ moves }) => moves),
    mostGas: most(({ gas }) => gas.total),
    mostStepGas: dearest.gas.step,
    ofLayer: dearest.layer,
    mostStepBytes: most(stepBytes),
  };
  console.log(`${name}: ${JSON.stringify(figures)}`);
}
