import { createHash } from "node:crypto";
import type { ModelHeader, ModelId } from "@surety/protocol";
import type { LayerChoice } from "../compile/linear/climb.ts";
import type { Rung } from "../compile/linear/rung.ts";
import type { TraceSource } from "../compile/programBuilder.ts";
import type { ElementType } from "../onnx/tensor.ts";
import type { Dtype } from "../program/instruction.ts";
import type { WorstStep } from "../program/step-cost.ts";

/** An input or output of a model. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: ElementType;
  readonly shape: readonly number[];
}

/** How far the exact model is from the float one, over the calibration samples. */
export interface Accuracy {
  readonly samples: number;
  /** Share of samples with the same largest element; only for a first output of one row of at least two elements. */
  readonly top1Agreement?: number;
  /**
   * The share to be expected of other samples: of all pairs of samples, those where the lead of the first's class over the runner-up outlasts what the exact
   * model does to the second's.
   */
  readonly top1Expected?: number;
  /** Cosine similarity of the outputs: the mean and the least over outputs and samples. */
  readonly cosineMean: number;
  readonly cosineMin: number;
  /** The same of each output by itself. */
  readonly outputs: readonly {
    readonly name: string;
    readonly cosineMean: number;
    readonly cosineMin: number;
  }[];
}

/** Where the linear layers stand on the precision ladder; see docs/precision.md. */
export interface Precision {
  /** Layers above rung 0, by their nodes' first outputs. */
  readonly rungs: Readonly<Record<string, Rung>>;
  /** How they came there, if an agreement was asked for. */
  readonly climb?: {
    readonly minAgreement: number;
    readonly reached: boolean;
    /** How many times the model was lowered and measured. */
    readonly trials: number;
    readonly layers: readonly LayerChoice[];
    /** The layer that costs most as it is now. */
    readonly costliest?: LayerChoice;
  };
}

/** What a model answers to one of the probe inputs. */
export interface Golden {
  readonly probe: string;
  /** sha256 of the outputs' bytes, one after the other, in hex. */
  readonly outputs: string;
}

/** manifest.json of a bundle. */
export interface Manifest {
  readonly format: 1;
  readonly modelId: ModelId;
  readonly header: ModelHeader;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** The release of onnxruntime the graph was compiled and measured with. */
  readonly onnxruntime: string;
  readonly source: { readonly sha256: string; readonly bytes: number };
  readonly calibration: { readonly samples: number; readonly sha256: string };
  readonly accuracy: Accuracy;
  /** The golden vector: answers to `probeInputs`, on the machine that compiled the model. */
  readonly golden: readonly Golden[];
  readonly precision: Precision;
  /** Instructions per kind of accumulator. */
  readonly opCounts: Readonly<Record<string, number>>;
  /** The most that a dispute about one element can cost: which instruction's, in gas and bytes of operands. */
  readonly worstStep: WorstStep;
  /** Per instruction: the source node and, unless null, where the graph has the same tensor. */
  readonly instructions: readonly { readonly name: string; readonly source: TraceSource | null }[];
  readonly weights: readonly { readonly name: string; readonly dtype: Dtype; readonly elements: number }[];
  /** sha256 of the canonical JSON of all the rest of the manifest. */
  readonly sha256: string;
}

/** JSON with sorted keys and no spaces. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value)
      .filter(([, entry]) => entry !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The sha256 a manifest states about itself. */
export function manifestHash(manifest: Omit<Manifest, "sha256">): string {
  return sha256Hex(canonicalJson({ ...manifest, sha256: undefined }));
}
