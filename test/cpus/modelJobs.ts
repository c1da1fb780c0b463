import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Bundle,
  compileModel,
  evaluateProgram,
  type InputSample,
  inputsFromBytes,
  inputsToBytes,
  modelInputs,
  portableForm,
  readInputs,
} from "../../engine/src/index.ts";
import { answerHash } from "../../engine/src/run/knownAnswers.ts";
import { asGraphInputs } from "../../engine/src/run/onnxruntime.ts";
import { probeInputs } from "../../engine/src/run/probeInputs.ts";
import { segmentModel, traceGraph } from "../../engine/src/run/traceGraph.ts";
import type { Job } from "./jobs.ts";

/** A model's run whose right answer is known. */
export interface ModelJob extends Job {
  /** Of all instructions' tensors, by the program alone: `answerHash`. */
  readonly expected: string;
}

const DIGITS = 5;

/** The MNIST classifier compiled from fixtures/, and some of its test digits. */
export async function mnist(): Promise<{ bundle: Bundle; samples: InputSample[] }> {
  const fixtures = join(import.meta.dirname, "../../fixtures/mnist");
  const model = readFileSync(join(fixtures, "mnist-8.onnx"));
  const inputs = modelInputs(model);
  const calibration = readInputs(join(fixtures, "train-1000-images-idx3-ubyte.gz"), inputs).slice(0, 200);
  const samples = readInputs(join(fixtures, "t10k-images-idx3-ubyte.gz"), inputs).slice(0, DIGITS);
  return { bundle: await compileModel({ model, calibration }), samples };
}

/** A bundle's run as a service does it: the graph has to be put into the form that the CPU takes first. */
export interface OutputRun {
  readonly name: string;
  readonly graph: Uint8Array;
  readonly feeds: Job["feeds"];
  /** Of the outputs, by the program alone: `answerHash`. */
  readonly expected: string;
}

/**
 * Runs of a bundle's graph that give every instruction's tensor, on samples and on probe inputs that saturate: as the graph stands, and in its portable
 * form if that is another.
 */
export function modelJobs(
  name: string,
  bundle: Bundle,
  samples: readonly InputSample[],
): { jobs: ModelJob[]; outputRuns: OutputRun[] } {
  const requests: [string, Uint8Array][] = [
    ...samples.map((sample, index): [string, Uint8Array] => [
      `sample ${index}`,
      Buffer.concat(inputsToBytes(bundle, sample)),
    ]),
    ...probeInputs(bundle),
  ];
  const outputRuns: OutputRun[] = [];
  const jobs = requests.flatMap(([what, input]) => {
    const graph = traceGraph(bundle, Number.MAX_SAFE_INTEGER);
    const names = (graph.model.graph?.input ?? []).map((info) => info.name ?? "");
    const feeds = asGraphInputs(inputsFromBytes(bundle, input), names);
    const canonical = segmentModel(graph, 0, new Map(Object.entries(feeds)));
    const portable = portableForm(canonical);
    const trace = evaluateProgram(bundle, input);
    const traced = graph.segments[0]?.instructions ?? [];
    const expected = answerHash(traced.map((index) => trace.tensorBytes(index)));
    const outputs = bundle.header.outputs.map(({ instruction }) => trace.tensorBytes(instruction));
    outputRuns.push({
      name: `${name}, ${what}, as a service runs it`,
      graph: bundle.graph,
      feeds,
      expected: answerHash(outputs),
    });
    trace.close();
    return [
      { name: `${name}, ${what}`, model: canonical, feeds, expected },
      ...(portable === canonical
        ? []
        : [{ name: `${name}, ${what}, portable form`, model: portable, feeds, expected }]),
    ];
  });
  return { jobs, outputRuns };
}
