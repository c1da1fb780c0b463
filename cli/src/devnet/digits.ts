import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import {
  argMax,
  type Bundle,
  compileModel,
  createSession,
  type HostTensor,
  type InputSample,
  inputsToBytes,
  modelInputs,
  openModel,
  readIdxFile,
  readInputs,
  runSession,
  type TensorSpec,
  tensorFromBytes,
} from "@surety/engine";
import { UsageError } from "@surety/protocol";

// Beside the packages in a checkout, in the package where it is installed.
const MNIST = ["../../../fixtures/mnist", "../../fixtures/mnist"]
  .map((folder) => path.join(import.meta.dirname, folder))
  .find(existsSync) as string;
const MODEL = path.join(MNIST, "mnist-8.onnx");
const TEST_IMAGES = path.join(MNIST, "t10k-images-idx3-ubyte.gz");

/** The digit classifier, compiled, and the test digits it is asked about. */
export interface Digits {
  readonly bundle: Bundle;
  /** Test digits that the exact model reads right, so that a wrong digit on the chain means a wrong answer. */
  readonly pictures: readonly Picture[];
  readonly accuracy: DigitsAccuracy;
}

export interface Picture {
  /** As requests carry it: 28 x 28 f32. */
  readonly image: Uint8Array;
  /** The digit that it shows. */
  readonly label: number;
}

export interface DigitsAccuracy {
  readonly images: number;
  /** Images whose class is right, for the float model and for the exact one. */
  readonly floatCorrect: number;
  readonly exactCorrect: number;
  readonly sameClass: number;
}

/**
 * A test digit that no compiler has seen, by its number in the MNIST test set.
 *
 * @throws UsageError OPTION_INVALID
 */
export function testDigit(bundle: Bundle, index: number): Picture {
  const sample = readInputs(TEST_IMAGES, modelInputs(readFileSync(MODEL)))[index];
  const label = testLabels()[index];
  if (sample === undefined || label === undefined) {
    throw new UsageError("OPTION_INVALID", `There is no test digit ${index}: they are 0 to 9,999.`);
  }
  return { image: Buffer.concat(inputsToBytes(bundle, sample)), label };
}

function testLabels(): Uint8Array {
  return readIdxFile(path.join(MNIST, "t10k-labels-idx1-ubyte.gz")).data as Uint8Array;
}

/** Compiles MNIST with training digits. */
export async function compileDigits() {
  const model = readFileSync(MODEL);
  const specs = modelInputs(model);
  const calibration = readInputs(path.join(MNIST, "train-1000-images-idx3-ubyte.gz"), specs);
  return { model, specs, bundle: await compileModel({ model, calibration }) };
}

/** Compiles MNIST with training digits and measures it on test digits, which the compiler has never seen. */
export async function prepareDigits(testImages: number): Promise<Digits> {
  const { model, specs, bundle } = await compileDigits();
  const samples = readInputs(TEST_IMAGES, specs).slice(0, testImages);
  const labels = testLabels();
  const classes = await classify(model, bundle, samples);
  const count = (right: (index: number) => boolean) => samples.filter((_, index) => right(index)).length;
  const isExactRight = (index: number) => classes.exact[index] === labels[index];
  return {
    bundle,
    pictures: samples.flatMap((sample, index) =>
      isExactRight(index)
        ? [{ image: Buffer.concat(inputsToBytes(bundle, sample)), label: labels[index] as number }]
        : [],
    ),
    accuracy: {
      images: samples.length,
      floatCorrect: count((index) => classes.float[index] === labels[index]),
      exactCorrect: count(isExactRight),
      sameClass: count((index) => classes.float[index] === classes.exact[index]),
    },
  };
}

/** The class of every sample, by the float model with all of onnxruntime's rewrites and by the exact one. */
async function classify(
  model: Uint8Array,
  bundle: Bundle,
  samples: readonly InputSample[],
): Promise<{ float: number[]; exact: number[] }> {
  const float = await createSession(model, { optimisation: "fast" });
  const exact = await openModel(bundle);
  const { name, dtype, shape } = bundle.manifest.outputs[0] as TensorSpec;
  const classes = { float: [] as number[], exact: [] as number[] };
  try {
    for (const sample of samples) {
      classes.float.push(argMax((await runSession(float, sample))[name] as HostTensor));
      const [logits] = await exact.run(sample);
      classes.exact.push(argMax(tensorFromBytes(dtype, shape, logits as Uint8Array)));
    }
  } finally {
    await Promise.all([float.release(), exact.release()]);
  }
  return classes;
}
