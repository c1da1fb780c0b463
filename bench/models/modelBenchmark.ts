import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Bundle,
  type InputSample,
  loadBundle,
  openModel,
  portableForm,
} from "../../engine/src/index.ts";
import { runnableForm } from "../../engine/src/run/kernelForms.ts";
import { createSession, runSession } from "../../engine/src/run/onnxruntime.ts";
import { asGraphInputs, createRawSession } from "../../engine/src/run/rawSession.ts";
import type { ModelCase } from "../../test/models/cases.ts";
import { modelPath } from "../../test/support/sharedModels.ts";
import { Absent, type Benchmark, type Contest, type Fact, type Side } from "../benchmark.ts";
import { inOwnProcess } from "./inOwnProcess.ts";
import { firstInput, type Phase, sourceOf } from "./phases.ts";

/** Longer than onnxruntime's idle threads keep a core busy. */
const REST_MS = 70;
/** A turn takes at least about so long. */
const TURN_MS = 5;

/** A compiled model against its source model. */
export function modelBenchmark(model: ModelCase): Benchmark {
  return {
    name: `model-${model.folder}`,
    about: `${model.name} as a node runs it, against the source model straight in onnxruntime with all its optimisations.`,
    async prepare() {
      const path = modelPath(model.folder, model.file);
      if (!existsSync(path))
        throw new Absent(`${path} is not there; set SURETY_MODELS to the models' folder`);
      const folder = mkdtempSync(join(tmpdir(), "surety-bench-"));
      try {
        const facts = await factsOf(model, join(folder, "bundle"));
        const bundle = loadBundle(join(folder, "bundle"));
        const opened = [await contest(model, bundle, 1), await contest(model, bundle, 2)];
        return {
          facts,
          contests: opened.map(({ contest }) => contest),
          async release() {
            for (const { release } of opened) await release();
          },
        };
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  };
}

/** Compiles the model into a folder, and says what it took. */
async function factsOf(model: ModelCase, folder: string): Promise<Fact[]> {
  const facts: Fact[] = [];
  const titles: readonly (readonly [Phase, string])[] = [
    ["compile", "compiling"],
    ["nothing", "Node and onnxruntime alone"],
    ["source", "a run of the source model"],
    ["run", "a run"],
    ["trace", "a trace"],
  ];
  for (const [phase, title] of titles) {
    const result = await inOwnProcess(phase, model, folder);
    if ("refused" in result) throw new Absent(`${model.name} is refused: ${result.refused}`);
    if (phase === "compile") facts.push({ name: "compile time", value: result.ms / 1000, unit: "s" });
    facts.push({ name: `peak memory of ${title}`, value: result.peakMb, unit: "MB" });
  }
  return facts;
}

async function contest(
  model: ModelCase,
  bundle: Bundle,
  threads: number,
): Promise<{ contest: Contest; release(): Promise<void> }> {
  const parameters = { intraOpNumThreads: threads };
  const input = firstInput(model);
  const source = await createSession(sourceOf(model), { ...parameters, optimisation: "fast" });
  const exact = await openModel(bundle, parameters);
  const forms = await formsOf(bundle, input, threads);
  const sides: [Side, Side, ...Side[]] = [
    { name: "source model, all optimisations", run: async () => void (await runSession(source, input)) },
    { name: "exact model, as a node runs it", run: async () => void (await exact.run(input)) },
    ...forms.map(({ side }) => side),
  ];
  const start = performance.now();
  for (const { run } of sides.slice(0, 2)) await run();
  const repeats = Math.ceil(TURN_MS / ((performance.now() - start) / 2));
  const name = threads === 1 ? "1 thread" : `${threads} threads`;
  return {
    contest: { name, sides, repeats, ...(threads === 1 ? {} : { restMs: REST_MS }) },
    async release() {
      await source.release();
      await exact.release();
      for (const { release } of forms) await release();
    },
  };
}

/** Both forms of a graph with weights of more than 7 bits, whether or not they are exact here; nothing for other graphs. */
async function formsOf({ graph }: Bundle, input: InputSample, threads: number) {
  const forms = [
    { name: "exact graph, all u8 x u8", form: portableForm(graph) },
    {
      name: "exact graph, u8 x i8 wherever some processor is exact",
      form: await runnableForm(graph, async () => true),
    },
  ] as const;
  if (Buffer.compare(forms[0].form, forms[1].form) === 0) return [];
  return Promise.all(
    forms.map(async ({ name, form }) => {
      const session = await createRawSession(form, { intraOpNumThreads: threads });
      const feeds = asGraphInputs(input, session.inputNames);
      const side: Side = { name, run: async () => void (await runSession(session, feeds)) };
      return { side, release: () => session.release() };
    }),
  );
}
