import { readFileSync, statSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import {
  type Bundle,
  compileModel,
  ELEMENT_TYPES,
  type ElementType,
  type LayerReport,
  layerReport,
  loadBundle,
  type ModelReport,
  modelInputs,
  openModel,
  readInputs,
  requireGolden,
  requireGraphMatches,
  tensorFromBytes,
  vetModel,
  vetReport,
  worstStepCost,
  writeBundle,
} from "@surety/engine";
import { UsageError } from "@surety/protocol";
import { type Command, InvalidArgumentError } from "commander";
import { describePrecision } from "../describePrecision.ts";
import { EXIT, paint, print, toJson } from "../output.ts";
import { withProgress } from "../progress.ts";
import { table } from "../table.ts";
import { addFetchCommand } from "./fetchModel.ts";
import { addShapeOptions, importOptionsOf, type ShapeOptions } from "./importOptions.ts";

export function addModelCommands(program: Command): void {
  const model = program.command("model").description("compile, check, fetch and run models");

  addShapeOptions(model.command("compile"))
    .description("compile an ONNX model to the exact profile")
    .argument("<model>", "ONNX file")
    .requiredOption(
      "--calibrate <path>",
      "calibration inputs: a file (.pb, .npy, .json, idx) or a directory of them",
    )
    .requiredOption("--out <dir>", "where to write the bundle")
    .option(
      "--min-agreement <share>",
      "raise the precision of layers until the calibration inputs agree so with the float model (0 to 1: share of equal classes, else least cosine)",
      agreement,
    )
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExample:\n  surety model compile mnist-8.onnx --calibrate train-images-idx3-ubyte.gz --out digits",
    )
    .action(async (path: string, options: CompileOptions) => {
      const source = readModelFile(path);
      const importOptions = importOptionsOf(source, options);
      const calibration = readInputs(options.calibrate, modelInputs(source, importOptions));
      const bundle = await withProgress(options.json, async (say) => {
        say("loading the model in a process of its own");
        await vetModel(source, importOptions);
        return compileModel({
          ...importOptions,
          model: source,
          calibration,
          ...(options.minAgreement === undefined ? {} : { minAgreement: options.minAgreement }),
          onProgress: ({ stage, done, total }) => say(stage, done, total),
        });
      });
      writeBundle(bundle, options.out);
      const { accuracy, opCounts, precision, worstStep } = bundle.manifest;
      const summary = {
        modelId: bundle.modelId,
        out: options.out,
        instructions: bundle.instructions.length,
        weightBytes: bundle.weights.reduce((sum, { length }) => sum + length, 0),
        opCounts,
        accuracy,
        worstStep: { ...worstStep, name: bundle.manifest.instructions[worstStep.instruction]?.name ?? "" },
        precision,
      };
      if (precision.climb?.reached === false) process.exitCode = EXIT.negative;
      if (options.json) return print(toJson(summary));
      print(`model id      ${summary.modelId}`);
      print(`bundle        ${summary.out}`);
      print(`instructions  ${summary.instructions}`);
      print(`weights       ${summary.weightBytes.toLocaleString("en")} bytes`);
      if (accuracy.top1Agreement !== undefined) {
        print(
          `agreement     ${(accuracy.top1Agreement * 100).toFixed(2)} % same class as float on ${accuracy.samples} calibration samples`,
        );
      }
      print(`worst step    ${describeStep(summary.worstStep)}`);
      print(`cosine        mean ${accuracy.cosineMean.toFixed(6)}, least ${accuracy.cosineMin.toFixed(6)}`);
      for (const line of describePrecision(bundle.manifest)) print(line);
    });

  addShapeOptions(model.command("check"))
    .description(
      "say op by op whether a model fits the exact profile; of a bundle, whether graph and program agree here",
    )
    .argument("<model>", "ONNX file or bundle directory")
    .option(
      "--svg <file>",
      "also draw what each layer costs to dispute, and with --calibrate how exactly it computes",
    )
    .option("--calibrate <path>", "for --svg: inputs to measure every layer's accuracy on")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExamples:\n  surety model check detector.onnx --dim batch=1\n  surety model check mnist-8.onnx --svg layers.svg --calibrate train-images-idx3-ubyte.gz\n  surety model check digits",
    )
    .action(async (path: string, options: CheckOptions) => {
      if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return checkBundle(path, options);
      const source = readModelFile(path);
      const importOptions = importOptionsOf(source, options);
      const report = await withProgress(options.json, (say) => {
        say("checking op by op");
        return vetReport(source, importOptions);
      });
      if (options.svg !== undefined && report.fits) {
        await drawLayers(path, options.svg, options, () =>
          layerReport(source, {
            ...importOptions,
            ...(options.calibrate === undefined
              ? {}
              : { calibration: readInputs(options.calibrate, modelInputs(source, importOptions)) }),
          }),
        );
      }
      print(options.json ? toJson(report) : describeReport(report));
      process.exitCode = report.fits ? EXIT.success : EXIT.negative;
    });

  addFetchCommand(model);

  model
    .command("run")
    .description("run a bundle on onnxruntime and print its outputs as JSON, one line a sample")
    .argument("<bundle>", "bundle directory")
    .requiredOption("--input <path>", "input file (.pb, .npy, .json, idx) or a directory of them")
    .option("--json", "the default; accepted for the sake of scripts")
    .addHelpText("after", "\nExample:\n  surety model run digits --input digit.pb")
    .action(async (bundleDir: string, options: { input: string }) => {
      const bundle = loadBundle(bundleDir);
      const samples = readInputs(options.input, bundle.manifest.inputs);
      const session = await openModel(bundle);
      try {
        for (const sample of samples) {
          const outputs = await session.run(sample);
          print(
            toJson(
              bundle.manifest.outputs.map(({ name, dtype, shape }, index) => ({
                name,
                dtype: ELEMENT_TYPES[dtype].ort,
                shape,
                data: numbersOf(dtype, shape, outputs[index] as Uint8Array),
              })),
            ),
          );
        }
      } finally {
        await session.release();
      }
    });
}

/** @throws FatalError those of loadBundle, requireGraphMatches and requireGolden */
async function checkBundle(bundleDir: string, options: CheckOptions): Promise<void> {
  if (options.calibrate !== undefined) {
    throw new UsageError(
      "OPTION_CONFLICT",
      "A bundle does not hold the float model that accuracy is measured against: give the ONNX file with --calibrate.",
    );
  }
  const bundle = loadBundle(bundleDir);
  await withProgress(options.json, async (say) => {
    say("running graph and program side by side");
    await requireGraphMatches(bundle);
    say("running the golden vector");
    const session = await openModel(bundle);
    await requireGolden(session).finally(() => session.release());
  });
  const { modelId, instructions } = bundle;
  if (options.svg !== undefined) {
    await drawLayers(bundleDir, options.svg, options, async () => ({ steps: stepsOf(bundle) }));
  }
  if (options.json) return print(toJson({ modelId, instructions: instructions.length, matches: true }));
  print(`model id      ${modelId}`);
  print(`instructions  ${instructions.length}`);
  print("Graph, program and golden vector agree on this machine, byte for byte.");
}

interface CheckOptions extends ShapeOptions {
  readonly svg?: string;
  readonly calibrate?: string;
  readonly json?: true;
}

async function drawLayers(
  model: string,
  file: string,
  { json }: CheckOptions,
  report: () => Promise<LayerReport>,
): Promise<void> {
  const measured = await withProgress(json, (say) => {
    say("measuring layer by layer");
    return report();
  });
  // Loaded here: only those who want a picture wait for what draws it.
  const { layersChart } = await import("../charts/layers.ts");
  writeFileSync(file, layersChart(basename(model), measured));
  if (!json) print(`chart         ${file}`);
}

function stepsOf({ instructions, weights, manifest }: Bundle): LayerReport["steps"] {
  const tensors = Math.max(instructions.length, weights.length);
  return instructions.map((instruction, index) => ({
    name: manifest.instructions[index]?.name ?? "",
    ...worstStepCost(instruction, tensors),
  }));
}

interface CompileOptions extends ShapeOptions {
  readonly calibrate: string;
  readonly out: string;
  readonly minAgreement?: number;
  readonly json?: true;
}

function agreement(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError("Give a share from 0 to 1, such as 0.999.");
  return value;
}

function numbersOf(dtype: ElementType, shape: readonly number[], bytes: Uint8Array): unknown[] {
  return Array.from<unknown>(tensorFromBytes(dtype, shape, bytes).data as unknown as ArrayLike<unknown>);
}

function readModelFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new UsageError("MODEL_MISSING", `${path} cannot be read; name an ONNX file.`, { cause });
  }
}

/** What it costs at most to have one number recomputed on the chain. */
function describeStep({ name, instruction, gas, bytes }: NonNullable<ModelReport["worstStep"]>): string {
  return `${gas.toLocaleString("en")} gas, ${bytes.toLocaleString("en")} bytes: instruction ${instruction} (${name})`;
}

function describeReport(report: ModelReport): string {
  const rows = report.nodes.map(({ op, node, fits, reason }) => [op, node, fits ? "yes" : `no: ${reason}`]);
  const unfit = report.nodes.filter(({ fits }) => !fits).length + report.problems.length;
  return [
    ...table(["op", "node", "fits"], rows, "left"),
    ...report.problems.map((problem) => `problem: ${problem}`),
    "",
    ...(report.worstStep ? [`Worst step: ${describeStep(report.worstStep)}.`] : []),
    report.fits
      ? paint(
          "green",
          `The model fits the exact profile (opset ${report.opset}, ${report.nodes.length} nodes).`,
        )
      : paint(
          "red",
          `The model does not fit the exact profile: ${unfit} of its parts do not. Change or replace them; docs/operators.md lists what is taken.`,
        ),
  ].join("\n");
}
