/**
 * The ONNX project's backend node tests (https://github.com/onnx/onnx/blob/main/docs/OnnxBackendTest.md): small models with inputs and the
 * outputs that the specification demands.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type HostTensor, type ImportOptions, type InputSample, importModel } from "@surety/engine";
import { decodeModel, decodeTensorProto } from "../../../engine/src/onnx/proto.ts";
import { tensorFromProto } from "../../../engine/src/onnx/tensor.ts";

export interface BackendCase {
  readonly name: string;
  readonly model: Uint8Array;
  /** Op of the only or first node. */
  readonly op: string;
  readonly options: ImportOptions;
  readonly inputs: InputSample;
  /** By output name: what the specification demands. */
  readonly outputs: InputSample;
}

/** Inputs that decide sizes or where data go, which a compiled model has fixed: `--fix` of `surety model compile`. */
const SIZE_INPUTS: Readonly<Record<string, readonly number[]>> = {
  ConstantOfShape: [0],
  CumSum: [1],
  Expand: [1],
  OneHot: [1],
  Pad: [1, 3],
  ReduceL1: [1],
  ReduceL2: [1],
  ReduceLogSum: [1],
  ReduceLogSumExp: [1],
  ReduceMax: [1],
  ReduceMean: [1],
  ReduceMin: [1],
  ReduceProd: [1],
  ReduceSum: [1],
  ReduceSumSquare: [1],
  Range: [0, 1, 2],
  Reshape: [1],
  Resize: [1, 2, 3],
  Slice: [1, 2, 3, 4],
  Split: [1],
  Squeeze: [1],
  Tile: [1],
  TopK: [1],
  Trilu: [1],
  Unsqueeze: [1],
  Upsample: [1],
};

/** The folder of the suite: SURETY_ONNX_BACKEND, or shared/onnx-backend beside the checkout or above it. */
export function backendFolder(): string | undefined {
  const named = process.env.SURETY_ONNX_BACKEND;
  if (named !== undefined) return named;
  const root = join(import.meta.dirname, "../../..");
  const places = [dirname(root), dirname(dirname(root))].map((place) => join(place, "shared/onnx-backend"));
  return places.find((place) => existsSync(place));
}

export function caseNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, "model.onnx")))
    .sort();
}

/** @throws FatalError ONNX_* for what the importer refuses */
export function readCase(folder: string, name: string): BackendCase {
  const model = new Uint8Array(readFileSync(join(folder, name, "model.onnx")));
  const graph = importModel(model);
  const proto = decodeModel(model).graph;
  const tensors = (role: "input" | "output", names: readonly string[]): InputSample =>
    Object.fromEntries(
      names.map((value, index) => {
        const path = join(folder, name, "test_data_set_0", `${role}_${index}.pb`);
        return [value, tensorFromProto(decodeTensorProto(readFileSync(path), path), path)];
      }),
    );
  const all = tensors(
    "input",
    (proto?.input ?? []).map((info) => info.name ?? ""),
  );
  const sizes = new Set(
    graph.nodes.flatMap((node) => (SIZE_INPUTS[node.op] ?? []).flatMap((index) => node.inputs[index] || [])),
  );
  const part = (isSize: boolean): Record<string, HostTensor> =>
    Object.fromEntries(Object.entries(all).filter(([input]) => sizes.has(input) === isSize));
  return {
    name,
    model,
    op: graph.nodes[0]?.op ?? "",
    options: { fixed: part(true) },
    inputs: part(false),
    outputs: tensors(
      "output",
      graph.outputs.map((output) => output.name),
    ),
  };
}

/** The case's own inputs, and the same made smaller, so that the range is that of the case. */
export function calibrationOf({ inputs }: BackendCase): InputSample[] {
  return [1, 0.95, 0.8].map((factor) =>
    Object.fromEntries(
      Object.entries(inputs).map(([name, tensor]) => [
        name,
        tensor.type === "f32"
          ? { ...tensor, data: (tensor.data as Float32Array).map((value) => value * factor) }
          : tensor,
      ]),
    ),
  );
}
