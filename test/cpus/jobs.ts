import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { InferenceSession } from "onnxruntime-node";
import { bytesOf, ELEMENT_TYPES, type HostTensor } from "../../engine/src/onnx/tensor.ts";
import { sessionOptions } from "../../engine/src/run/rawSession.ts";

/** A model and inputs to run on every CPU. */
export interface Job {
  readonly name: string;
  readonly model: Uint8Array;
  readonly feeds: Readonly<Record<string, HostTensor>>;
}

/** How `child.cjs` reads a job; files are beside jobs.json. */
interface WrittenJob {
  readonly name: string;
  readonly model: string;
  readonly options: InferenceSession.SessionOptions;
  readonly feeds: readonly {
    readonly name: string;
    readonly type: string;
    readonly dims: readonly number[];
    readonly file: string;
  }[];
}

/** Writes jobs for `child.cjs`. */
export function writeJobs(directory: string, jobs: readonly Job[]): void {
  mkdirSync(directory, { recursive: true });
  const options = sessionOptions({ intraOpNumThreads: 1 });
  const written = jobs.map(({ name, model, feeds }, number): WrittenJob => {
    const modelFile = `${number}.onnx`;
    writeFileSync(join(directory, modelFile), model);
    return {
      name,
      model: modelFile,
      options,
      feeds: Object.entries(feeds).map(([input, tensor], index) => {
        const file = `${number}.${index}.bin`;
        writeFileSync(join(directory, file), bytesOf(tensor));
        return { name: input, type: ELEMENT_TYPES[tensor.type].ort, dims: tensor.dims, file };
      }),
    };
  });
  writeFileSync(join(directory, "jobs.json"), JSON.stringify(written));
}
