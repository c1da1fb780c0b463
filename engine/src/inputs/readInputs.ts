import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { UsageError } from "@surety/protocol";
import { decodeTensorProto } from "../onnx/proto.ts";
import {
  ELEMENT_TYPES,
  type ElementType,
  elementCount,
  type HostTensor,
  tensorFromProto,
} from "../onnx/tensor.ts";
import { gunzip, isGzip, isIdx, readIdx } from "./idx.ts";
import { readJson } from "./json.ts";
import { isNpy, readNpy } from "./npy.ts";

/** What a model expects of one input. */
export interface InputSpec {
  readonly name: string;
  readonly dtype: ElementType;
  readonly shape: readonly number[];
}

/** Everything one run needs, by input name. */
export type InputSample = Readonly<Record<string, HostTensor>>;

/**
 * Reads samples for a model.
 *
 * - `x.pb` (ONNX TensorProto), `x.npy`: one sample of a model with one input; the dtype must be the model's, and the
 *   shape up to dimensions of size 1.
 * - `x.json`: `{"name": {"dtype", "shape", "data"}}`, or a list of such objects.
 * - an MNIST-style idx file, plain or gzip, of N items: N samples of a model with one input, cast to its dtype and shape.
 * - a directory that holds `input_0.pb`, `input_1.pb`... or a file `<input name>.pb` or `.npy` for every input: one sample.
 * - any other directory: all samples of its files and sub-directories, in the order of their names (numbers by value). Files of
 *   another kind, names that start with a dot, `output_*` and names with `labels` in them are passed over.
 *
 * @example
 * const samples = readInputs("fixtures/mnist/test_data_set_0", bundle.manifest.inputs);
 * @throws UsageError INPUT_MISSING, INPUT_EMPTY, INPUT_MALFORMED, INPUT_DTYPE, INPUT_SHAPE, INPUT_NAME
 */
export function readInputs(path: string, specs: readonly InputSpec[]): InputSample[] {
  const samples = statOf(path).isDirectory() ? readDirectory(path, specs) : readFileSamples(path, specs);
  if (samples.length === 0) {
    throw new UsageError("INPUT_EMPTY", `${path} holds no samples; give .pb, .npy, .json or idx files.`);
  }
  return samples;
}

function statOf(path: string) {
  try {
    return statSync(path);
  } catch (cause) {
    throw new UsageError("INPUT_MISSING", `${path} does not exist or cannot be read.`, { cause });
  }
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new UsageError("INPUT_MISSING", `${path} cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

const byName = new Intl.Collator("en", { numeric: true });

function readDirectory(path: string, specs: readonly InputSpec[]): InputSample[] {
  const entries = readdirSync(path).sort(byName.compare);
  const present = new Set(entries);
  if (present.has("input_0.pb")) {
    const count = entries.filter((entry) => /^input_\d+\.pb$/.test(entry)).length;
    if (count !== specs.length) {
      throw new UsageError(
        "INPUT_NAME",
        `${path} holds ${count} input_*.pb; the model has ${specs.length} inputs.`,
      );
    }
    return [byInput(specs, (_, index) => readTensor(join(path, `input_${index}.pb`)))];
  }
  const fileOf = (spec: InputSpec) =>
    [`${spec.name}.pb`, `${spec.name}.npy`].find((name) => present.has(name));
  if (specs.length > 0 && specs.every(fileOf)) {
    return [byInput(specs, (spec) => readTensor(join(path, fileOf(spec) as string)))];
  }
  return entries.flatMap((entry) => {
    if (entry.startsWith(".") || entry.startsWith("output_") || entry.includes("labels")) return [];
    const inner = join(path, entry);
    if (statOf(inner).isDirectory()) return readDirectory(inner, specs);
    return isSampleFile(inner) ? readFileSamples(inner, specs) : [];
  });
}

function isSampleFile(path: string): boolean {
  return (
    [".pb", ".npy", ".json"].includes(extname(path)) ||
    /idx\d-(u?byte|short|int|float|double)|\.idx/.test(basename(path))
  );
}

function readFileSamples(path: string, specs: readonly InputSpec[]): InputSample[] {
  if (extname(path) === ".json") {
    return readJson(Buffer.from(readBytes(path)).toString("utf8"), path).map((sample) => {
      const unknown = [...sample.keys()].find((name) => !specs.some((spec) => spec.name === name));
      if (unknown !== undefined) {
        const names = specs.map((spec) => `"${spec.name}"`).join(", ");
        throw new UsageError("INPUT_NAME", `${path} gives "${unknown}"; the model's inputs are ${names}.`);
      }
      return byInput(specs, (spec) => {
        const tensor = sample.get(spec.name);
        if (!tensor) throw new UsageError("INPUT_NAME", `${path} does not give the input "${spec.name}".`);
        return { tensor, path };
      });
    });
  }
  if (specs.length !== 1) {
    throw new UsageError(
      "INPUT_NAME",
      `${path} is one tensor; the model has ${specs.length} inputs. Give a directory or JSON.`,
    );
  }
  const bytes = readUnpacked(path);
  if (isIdx(bytes)) return splitItems(readIdx(bytes, path), specs[0] as InputSpec, path);
  return [byInput(specs, () => readTensor(path))];
}

/**
 * Reads an idx file, plain or gzip, as it is: for labels.
 * @throws UsageError INPUT_MISSING, INPUT_MALFORMED
 */
export function readIdxFile(path: string): HostTensor {
  return readIdx(readUnpacked(path), path);
}

function readUnpacked(path: string): Uint8Array {
  const raw = readBytes(path);
  return isGzip(raw) ? gunzip(raw, path) : raw;
}

function readTensor(path: string): { tensor: HostTensor; path: string } {
  const bytes = readBytes(path);
  if (isNpy(bytes)) return { tensor: readNpy(bytes, path), path };
  if (extname(path) === ".pb") return { tensor: tensorFromProto(decodeTensorProto(bytes, path), path), path };
  throw new UsageError("INPUT_MALFORMED", `${path} is no .pb, .npy, .json or idx file.`);
}

function byInput(
  specs: readonly InputSpec[],
  read: (spec: InputSpec, index: number) => { tensor: HostTensor; path: string },
): InputSample {
  return Object.fromEntries(
    specs.map((spec, index) => {
      const { tensor, path } = read(spec, index);
      const isSame = withoutOnes(tensor.dims) === withoutOnes(spec.shape);
      const fitted = isSame ? { ...tensor, dims: spec.shape } : tensor;
      checkInput(fitted, spec, path);
      return [spec.name, fitted];
    }),
  );
}

function withoutOnes(dims: readonly number[]): string {
  return dims.filter((size) => size !== 1).join();
}

/**
 * @throws UsageError INPUT_DTYPE, INPUT_SHAPE
 */
export function checkInput(tensor: HostTensor, spec: InputSpec, where: string): void {
  if (tensor.type !== spec.dtype) {
    throw new UsageError(
      "INPUT_DTYPE",
      `${where} is ${tensor.type}; the input "${spec.name}" is ${spec.dtype}.`,
    );
  }
  if (tensor.dims.join() !== spec.shape.join()) {
    throw new UsageError(
      "INPUT_SHAPE",
      `${where} has the shape [${tensor.dims}]; the input "${spec.name}" has [${spec.shape}].`,
    );
  }
}

/** The items of an idx file (its first dimension) cast to the input's dtype and shape. */
function splitItems(items: HostTensor, spec: InputSpec, path: string): InputSample[] {
  const [count = 0, ...rest] = items.dims;
  const size = elementCount(rest, path);
  if (size !== elementCount(spec.shape, spec.name)) {
    throw new UsageError(
      "INPUT_SHAPE",
      `${path} has items of the shape [${rest}]; the input "${spec.name}" has [${spec.shape}].`,
    );
  }
  const array = ELEMENT_TYPES[spec.dtype].array;
  return Array.from({ length: count }, (_, item) => {
    const values = items.data.subarray(item * size, (item + 1) * size) as Uint8Array;
    const data =
      spec.dtype === "i64" || spec.dtype === "u64"
        ? (array as typeof BigInt64Array).from(values as unknown as number[], (value) =>
            BigInt(Math.trunc(value)),
          )
        : (array as typeof Float32Array).from(values);
    return { [spec.name]: { type: spec.dtype, dims: spec.shape, data } };
  });
}
