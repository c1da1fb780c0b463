import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  FatalError,
  type Hash32,
  type ModelHeader,
  type ModelId,
  modelIdOf,
  parseHash32,
} from "@surety/protocol";
import { keccak256, programTree, weightsTree } from "../commit/index.ts";
import { DTYPE_OF, isProgramType, type ProgramType } from "../compile/values.ts";
import {
  DTYPES,
  decodeInstruction,
  decodeProgram,
  encodeInstruction,
  encodeProgram,
  type Instruction,
  outputBytes,
  validateProgram,
} from "../program/index.ts";
import { worstStep } from "../program/step-cost.ts";
import { canonicalJson, type Manifest, manifestHash, type TensorSpec } from "./manifest.ts";
import { decodeWeights, encodeWeights, type WeightData } from "./weightsFile.ts";

/** Version of docs/exact-profile.md that programs are written for. */
export const PROFILE_VERSION = 2;

/** A bundle's files, all of them. */
export const BUNDLE_FILES = ["manifest.json", "model.onnx", "program.bin", "weights.bin"] as const;

/** A compiled model. On disk a directory of `BUNDLE_FILES`. */
export interface Bundle {
  readonly modelId: ModelId;
  readonly header: ModelHeader;
  readonly manifest: Manifest;
  /** model.onnx: the exact graph. */
  readonly graph: Uint8Array;
  readonly instructions: readonly Instruction[];
  /** The same instructions as the program root commits to them. */
  readonly encodedInstructions: readonly Uint8Array[];
  /** Per weight tensor, in the program's order: its bytes. */
  readonly weights: readonly Uint8Array[];
  readonly weightDtypes: readonly WeightData["dtype"][];
}

/** What a bundle is made of before it is hashed. */
export interface BundleParts {
  readonly graph: Uint8Array;
  readonly instructions: readonly Instruction[];
  readonly weights: readonly WeightData[];
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly (TensorSpec & { readonly instruction: number })[];
  readonly facts: Omit<
    Manifest,
    "format" | "modelId" | "header" | "inputs" | "outputs" | "worstStep" | "golden" | "sha256"
  >;
}

function hash32(bytes: Uint8Array): Hash32 {
  return parseHash32(`0x${Buffer.from(bytes).toString("hex")}`);
}

/** keccak256 of the canonical JSON of a model's inputs and outputs. */
export function schemaHash(inputs: readonly TensorSpec[], outputs: readonly TensorSpec[]): Hash32 {
  const plain = (specs: readonly TensorSpec[]) =>
    specs.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  return hash32(keccak256(Buffer.from(canonicalJson({ inputs: plain(inputs), outputs: plain(outputs) }))));
}

function elements(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}

function inputTypes(inputs: readonly TensorSpec[]) {
  return inputs.map(({ dtype, shape }) => ({
    dtype: DTYPE_OF[dtype as ProgramType],
    elements: elements(shape),
  }));
}

/**
 * Validates, hashes and names a compiled model. It has no golden vector yet: see `withGolden`.
 * @throws FatalError PROGRAM_MALFORMED (a bug of the compiler)
 */
export function assembleBundle(parts: BundleParts): Bundle {
  const { graph, instructions, weights, inputs, facts } = parts;
  const types = weights.map(({ dtype, bytes }) => ({ dtype, elements: bytes.length / DTYPES[dtype].bytes }));
  validateProgram({ instructions, weights: types, inputs: inputTypes(inputs) });
  const encodedInstructions = instructions.map(encodeInstruction);
  const outputs = parts.outputs.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  const header: ModelHeader = {
    profileVersion: PROFILE_VERSION,
    programRoot: hash32(programTree(encodedInstructions).root),
    weightsRoot: hash32(weightsTree(weights.map(({ bytes }) => bytes)).root),
    graphHash: hash32(keccak256(graph)),
    schemaHash: schemaHash(inputs, outputs),
    instructionCount: instructions.length,
    weightCount: weights.length,
    inputBytes: inputTypes(inputs).map((input) => input.elements * DTYPES[input.dtype].bytes),
    outputs: parts.outputs.map(({ instruction }) => ({
      instruction,
      bytes: outputBytes(instructions[instruction] as Instruction),
    })),
  };
  const modelId = modelIdOf(header);
  const worst = worstStep(instructions, weights.length);
  const rest = {
    format: 1 as const,
    modelId,
    header,
    inputs,
    outputs,
    ...facts,
    worstStep: worst,
    golden: [],
  };
  return {
    modelId,
    header,
    manifest: { ...rest, sha256: manifestHash(rest) },
    graph,
    instructions,
    encodedInstructions,
    weights: weights.map(({ bytes }) => bytes),
    weightDtypes: weights.map(({ dtype }) => dtype),
  };
}

/** Writes a bundle's four files; the directory is made if it is missing. */
export function writeBundle(bundle: Bundle, directory: string): void {
  const weights = bundle.weights.map((bytes, index) => ({
    dtype: bundle.weightDtypes[index] as "i8",
    bytes,
  }));
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "model.onnx"), bundle.graph);
  writeFileSync(join(directory, "program.bin"), encodeProgram(bundle.encodedInstructions));
  writeFileSync(join(directory, "weights.bin"), encodeWeights(weights));
  writeFileSync(join(directory, "manifest.json"), `${JSON.stringify(bundle.manifest, null, 2)}\n`);
}

/**
 * Reads a bundle and recomputes every hash in it.
 *
 * @example
 * const bundle = loadBundle("mnist.bundle");
 * @throws FatalError BUNDLE_MISSING, BUNDLE_CHANGED (naming the file), PROGRAM_MALFORMED
 */
export function loadBundle(directory: string): Bundle {
  const read = (file: string): Uint8Array => {
    try {
      return new Uint8Array(readFileSync(join(directory, file)));
    } catch (cause) {
      throw new FatalError(
        "BUNDLE_MISSING",
        `${join(directory, file)} cannot be read; is ${directory} a bundle?`,
        { cause },
      );
    }
  };
  const changed = (file: string, why: string, cause?: unknown) =>
    new FatalError(
      "BUNDLE_CHANGED",
      `${join(directory, file)} was changed: ${why}. Compile the model again or fetch it anew.`,
      { cause },
    );
  const check = (file: string, what: string, expected: string, actual: string) => {
    if (expected !== actual) throw changed(file, `its ${what} is ${actual}, the manifest has ${expected}`);
  };
  const within = <Value>(file: string, decode: () => Value): Value => {
    try {
      return decode();
    } catch (cause) {
      throw changed(file, "it cannot be decoded", cause);
    }
  };

  const text = read("manifest.json");
  const manifest = within("manifest.json", () => JSON.parse(Buffer.from(text).toString("utf8")) as Manifest);
  if (manifest?.format !== 1 || !manifest.header)
    throw changed("manifest.json", "it is not a manifest of format 1");
  const { sha256, header } = manifest;
  check("manifest.json", "sha256", String(sha256), manifestHash(manifest));
  if (header.profileVersion !== PROFILE_VERSION) {
    throw new FatalError(
      "BUNDLE_VERSION",
      `${directory} is of profile version ${header.profileVersion}; this is ${PROFILE_VERSION}.`,
    );
  }
  const graph = read("model.onnx");
  check("model.onnx", "keccak256", header.graphHash, hash32(keccak256(graph)));
  const programFile = read("program.bin");
  const encodedInstructions = within("program.bin", () => decodeProgram(programFile));
  check("program.bin", "program root", header.programRoot, hash32(programTree(encodedInstructions).root));
  const weightsFile = read("weights.bin");
  const weights = within("weights.bin", () => decodeWeights(weightsFile));
  check(
    "weights.bin",
    "weights root",
    header.weightsRoot,
    hash32(weightsTree(weights.map(({ bytes }) => bytes)).root),
  );
  weights.forEach(({ dtype }, index) => {
    check("weights.bin", `dtype of tensor ${index}`, manifest.weights[index]?.dtype ?? "none", dtype);
  });
  check("manifest.json", "schema hash", header.schemaHash, schemaHash(manifest.inputs, manifest.outputs));
  check("manifest.json", "model id", manifest.modelId, modelIdOf(header));

  const instructions = encodedInstructions.map(decodeInstruction);
  check(
    "program.bin",
    "number of instructions",
    String(header.instructionCount),
    String(instructions.length),
  );
  check("weights.bin", "number of tensors", String(header.weightCount), String(weights.length));
  // The chain cuts requests and answers by the header's sizes: were they not the program's, no honest answer could be defended.
  if (!manifest.inputs.every(({ dtype }) => isProgramType(dtype)))
    throw changed("manifest.json", "an input's dtype is not in the exact profile");
  const inputs = inputTypes(manifest.inputs);
  const inputSizes = inputs.map((input) => input.elements * DTYPES[input.dtype].bytes);
  check("manifest.json", "list of input sizes", String(header.inputBytes), String(inputSizes));
  const outputSizes = header.outputs.map(({ instruction }) => {
    const computedBy = instructions[instruction];
    return computedBy === undefined ? "none" : outputBytes(computedBy);
  });
  const declared = header.outputs.map(({ bytes }) => bytes);
  check("manifest.json", "list of output sizes", String(declared), String(outputSizes));
  check("manifest.json", "number of outputs", String(header.outputs.length), String(manifest.outputs.length));
  const types = weights.map(({ dtype, bytes }) => ({ dtype, elements: bytes.length / DTYPES[dtype].bytes }));
  validateProgram({ instructions, weights: types, inputs });
  return {
    modelId: manifest.modelId,
    header,
    manifest,
    graph,
    instructions,
    encodedInstructions,
    weights: weights.map(({ bytes }) => bytes),
    weightDtypes: weights.map(({ dtype }) => dtype),
  };
}
