import { readFileSync } from "node:fs";
import {
  compileModel,
  type InputSample,
  loadBundle,
  openModel,
  writeBundle,
} from "../../engine/src/index.ts";
import { createSession, runSession } from "../../engine/src/run/onnxruntime.ts";
import type { ModelCase } from "../../test/models/cases.ts";
import { modelPath } from "../../test/support/sharedModels.ts";

/** Inputs a model is calibrated on; the next one is what it is run on. */
export const CALIBRATION = 4;

export const firstInput = (model: ModelCase) => model.inputs(CALIBRATION + 1)[CALIBRATION] as InputSample;

export const sourceOf = ({ folder, file }: ModelCase) => readFileSync(modelPath(folder, file));

/** What a process of its own does for a model whose bundle is, or will be, in a folder; on one thread. */
export const PHASES = {
  async nothing() {},
  async compile(model: ModelCase, folder: string) {
    const bundle = await compileModel({
      model: sourceOf(model),
      dims: model.dims,
      calibration: model.inputs(CALIBRATION),
      rungs: model.rungs ?? {},
    });
    writeBundle(bundle, folder);
  },
  async source(model: ModelCase) {
    const session = await createSession(sourceOf(model), { optimisation: "fast", intraOpNumThreads: 1 });
    await runSession(session, firstInput(model));
    await session.release();
  },
  async run(model: ModelCase, folder: string) {
    const session = await openModel(loadBundle(folder), { intraOpNumThreads: 1 });
    await session.run(firstInput(model));
    await session.release();
  },
  async trace(model: ModelCase, folder: string) {
    const session = await openModel(loadBundle(folder), { intraOpNumThreads: 1 });
    (await session.trace(firstInput(model))).close();
    await session.release();
  },
} satisfies Record<string, (model: ModelCase, folder: string) => Promise<void>>;

export type Phase = keyof typeof PHASES;
