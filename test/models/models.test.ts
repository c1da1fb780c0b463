import { readFileSync } from "node:fs";
import {
  type Bundle,
  compileModel,
  evaluateElement,
  type InputSample,
  type Instruction,
  inputsToBytes,
  openModel,
  outputElements,
  readStoredBits,
  type TensorList,
  tensorReader,
  worstStepCost,
} from "@surety/engine";
import { beforeAll, describe, expect, test } from "vitest";
import { describeModel, modelPath } from "../support/sharedModels.ts";
import { figureOf, measureAgreement } from "./agreement.ts";
import { MODEL_CASES, type ModelCase } from "./cases.ts";

/** Inputs the agreement is measured on: few by default, 200 in `npm run test:long`. */
const INPUTS = Number(process.env.SURETY_MODEL_INPUTS ?? 6);
/** Inputs for calibration, which the agreement is not measured on: every photograph once. */
const CALIBRATION = 17;
/** Elements of each tensor that are recomputed by the letter of the profile. */
const ELEMENTS = 40;

const MOST_STEP_GAS = 1_000_000;
const MOST_STEP_BYTES = 100_000;

for (const model of MODEL_CASES) {
  describeModel(model.name, model.folder, () => checks(model));
}

/** The climb takes long: by default where no rungs are written down, which it ended on. */
function climbs(model: ModelCase): model is ModelCase & { readonly minAgreement: number } {
  return model.minAgreement !== undefined && (model.rungs === undefined || INPUTS >= 200);
}

function checks(model: ModelCase): void {
  describe("compiled", () => {
    const source = readFileSync(modelPath(model.folder, model.file));
    let bundle: Bundle;
    let samples: InputSample[];

    beforeAll(async () => {
      const inputs = model.inputs(CALIBRATION + INPUTS);
      samples = inputs.slice(CALIBRATION);
      bundle = await compileModel({
        model: source,
        dims: model.dims,
        calibration: inputs.slice(0, CALIBRATION),
        ...(climbs(model) ? { minAgreement: model.minAgreement } : { rungs: model.rungs ?? {} }),
      });
    }, 300_000);

    test("no step costs more than 1,000,000 gas or 100,000 bytes", () => {
      const dear = bundle.instructions.flatMap((instruction, index) => {
        const { gas, bytes } = worstStepCost(instruction);
        const name = bundle.manifest.instructions[index]?.name;
        return gas > MOST_STEP_GAS || bytes > MOST_STEP_BYTES
          ? [`${index} ${name}: ${gas} gas, ${bytes} bytes`]
          : [];
      });
      expect(dear).toEqual([]);
    });

    test(`agrees with the source model on ${INPUTS} inputs it was not calibrated on`, async () => {
      const agreement = await measureAgreement(bundle, source, samples);
      console.log(`${model.name}: ${JSON.stringify(agreement)}`);
      expect(figureOf(model, agreement)).toBeGreaterThanOrEqual(model.least);
    });

    test("every tensor of a trace is what the reference computes, element by element", async () => {
      const session = await openModel(bundle);
      const sample = samples[0] as InputSample;
      const trace = await session.trace(sample);
      try {
        const inputs = inputsToBytes(bundle, sample);
        for (const [index, instruction] of bundle.instructions.entries()) {
          const differ = elementsThatDiffer(instruction, index, { bundle, inputs, trace });
          expect([index, bundle.manifest.instructions[index]?.name, differ]).toEqual([
            index,
            bundle.manifest.instructions[index]?.name,
            [],
          ]);
        }
      } finally {
        trace.close();
        await session.release();
      }
    });
  });
}

interface Run {
  readonly bundle: Bundle;
  readonly inputs: readonly Uint8Array[];
  readonly trace: TensorList;
}

/** Of a few elements, the first and the last among them, those that the profile gives another value. */
function elementsThatDiffer(
  instruction: Instruction,
  index: number,
  { bundle, inputs, trace }: Run,
): number[] {
  const readers = instruction.operands.map(({ space, index: number, dtype }) => {
    const spaces = {
      trace: () => trace.tensorBytes(number),
      weight: () => bundle.weights[number],
      input: () => inputs[number],
    };
    return tensorReader(spaces[space]() ?? new Uint8Array(), dtype);
  });
  const count = outputElements(instruction);
  const step = Math.max(1, (count - 1) / (ELEMENTS - 1));
  const chosen = new Set(
    Array.from({ length: ELEMENTS }, (_, k) => Math.min(count - 1, Math.round(k * step))),
  );
  const stored = trace.tensorBytes(index);
  return [...chosen].filter(
    (element) =>
      evaluateElement(instruction, element, readers) !==
      readStoredBits(stored, instruction.outDtype, element),
  );
}
