import { FatalError } from "@surety/protocol";
import type { TensorData } from "../onnx/tensor.ts";
import {
  type AffineForm,
  type Bound,
  DTYPES,
  type Dtype,
  type Instruction,
  type Operand,
  type Space,
} from "../program/instruction.ts";
import { sha256Hex } from "../run/manifest.ts";
import { splitReduction } from "./splitReduction.ts";
import { product } from "./view.ts";

/** How the tensor of an instruction is found in the exact graph: reshape, then transpose, then row-major. */
export interface TraceSource {
  /** The tensor's name in the exact graph. */
  readonly tensor: string;
  readonly shape: readonly number[];
  readonly permutation: readonly number[];
}

export interface WeightTensor {
  readonly name: string;
  readonly dtype: Dtype;
  /** Little-endian, row-major. */
  readonly bytes: Uint8Array;
}

/** An operand before normalisation: strides per output axis and per reduction axis. */
export interface OperandDraft {
  readonly space: Space;
  readonly index: number;
  readonly dtype: Dtype;
  readonly elements: number;
  readonly offset: number;
  readonly out: readonly number[];
  readonly reduce: readonly number[];
  readonly bounds?: readonly Bound[];
}

export interface InstructionDraft extends Omit<Instruction, "operands" | "aZero" | "bZero"> {
  readonly aZero?: number;
  readonly bZero?: number;
  readonly operands: readonly OperandDraft[];
}

/** Collects the instructions and weight tensors of a program. */
export class ProgramBuilder {
  readonly instructions: Instruction[] = [];
  /** What each instruction computes, for people: the source node and the role. */
  readonly names: string[] = [];
  /** Null where the exact graph has no such tensor: the reference computes it. */
  readonly sources: (TraceSource | null)[] = [];
  readonly weights: WeightTensor[] = [];
  readonly #weightByContent = new Map<string, number>();

  /** Adds a weight tensor, or finds the one with the same dtype and bytes; returns its number. */
  addWeight(name: string, dtype: Dtype, data: TensorData): number {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const key = `${dtype}:${sha256Hex(bytes)}`;
    const known = this.#weightByContent.get(key);
    if (known !== undefined) return known;
    const index = this.weights.length;
    this.weights.push({ name, dtype, bytes });
    this.#weightByContent.set(key, index);
    return index;
  }

  /**
   * Adds an instruction, its axes of size 1 dropped and its neighbouring axes merged; returns its number. A reduction whose step would cost
   * more than the budget is preceded by partial ones.
   */
  add(name: string, source: TraceSource | null, draft: InstructionDraft): number {
    const whole = normalise(draft);
    const split = splitReduction(whole);
    if (!split) return this.#push(name, source, whole);
    const partial = this.#push(`${name}: partial`, null, normalise(draftOf(split.partial)));
    return this.add(name, source, draftOf(split.combine(partial)));
  }

  #push(name: string, source: TraceSource | null, instruction: Instruction): number {
    if (instruction.outDims.length > 8 || instruction.reduceDims.length > 8) {
      throw new FatalError("COMPILE_RANK", `${name} needs more than 8 dimensions.`);
    }
    this.instructions.push(instruction);
    this.names.push(name);
    this.sources.push(source);
    return this.instructions.length - 1;
  }
}

/** Elements of an instruction's tensor. */
export function instructionElements(instruction: Instruction): number {
  return product(instruction.outDims);
}

/** Bytes of an instruction's tensor. */
export function instructionBytes(instruction: Instruction): number {
  return product(instruction.outDims) * DTYPES[instruction.outDtype].bytes;
}

/** An instruction as a draft, to be normalised anew. */
function draftOf(instruction: Instruction): InstructionDraft {
  const operands = instruction.operands.map(({ map, ...operand }) => ({ ...operand, ...map }));
  return { ...instruction, operands };
}

/** Drops axes of size 1 and merges neighbours wherever every affine form steps through both evenly. */
function normalise(draft: InstructionDraft): Instruction {
  let outDims = [...draft.outDims];
  let reduceDims = [...draft.reduceDims];
  let operands: Operand[] = draft.operands.map(({ out, reduce, offset, bounds, ...operand }) => ({
    ...operand,
    map: { offset, out, reduce },
    bounds: bounds ?? [],
  }));
  const forms = () => operands.flatMap((operand) => [operand.map, ...operand.bounds]);
  const outKeep = mergePlan(
    outDims,
    forms().map((form) => form.out),
  );
  operands = rewrite(operands, (form) => ({ ...form, out: outKeep.kept.map((axis) => form.out[axis] ?? 0) }));
  outDims = outKeep.sizes;
  if (reduceDims.length > 0) {
    operands = operands.map((operand) => ({
      ...operand,
      bounds: operand.bounds.map((bound) => refineBound(bound, operand, reduceDims)),
    }));
    const plan = mergePlan(
      reduceDims,
      forms().map((form) => form.reduce),
    );
    operands = rewrite(operands, (form) => ({
      ...form,
      reduce: plan.kept.map((axis) => form.reduce[axis] ?? 0),
    }));
    reduceDims = plan.sizes;
  }
  const { accumulate, outDtype, aZero = 0, bZero = 0, expression } = draft;
  return { accumulate, outDtype, outDims, reduceDims, aZero, bZero, operands, expression };
}

/**
 * Lets a window's columns and channels become one axis: where they lie side by side, 0 <= column < width is the same as
 * 0 <= column * channels + channel < width * channels. The innermost run of a convolution is then as long as its row.
 * An inner axis with a bound of its own is no channel: it cannot be merged, and with it in the bound nothing proves that indices stay inside.
 */
function refineBound(bound: Bound, operand: Operand, reduceDims: readonly number[]): Bound {
  const inner = reduceDims.length - 1;
  const outer = inner - 1;
  const size = reduceDims[inner] as number;
  const strides = operand.map.reduce;
  const isNeighbour = outer >= 0 && strides[outer] === size * (strides[inner] as number);
  const isColumn = bound.reduce.every((coefficient, axis) => coefficient === (axis === outer ? 1 : 0));
  const scale = (values: readonly number[]) => values.map((value) => value * size);
  const scaled = {
    limit: bound.limit * size,
    offset: bound.offset * size,
    out: scale(bound.out),
    reduce: scale(bound.reduce),
  };
  const fits = [scaled.limit, scaled.offset, ...scaled.out].every((value) => Math.abs(value) < 2 ** 31);
  const isBounded = operand.bounds.some(({ reduce }) => reduce[inner] !== 0);
  if (size === 1 || !isNeighbour || !isColumn || isBounded || !fits) return bound;
  return { ...scaled, reduce: scaled.reduce.map((value, axis) => (axis === inner ? 1 : value)) };
}

function rewrite(operands: readonly Operand[], change: (form: AffineForm) => AffineForm): Operand[] {
  return operands.map((operand) => ({
    ...operand,
    map: change(operand.map),
    bounds: operand.bounds.map((bound) => ({ ...change(bound), limit: bound.limit })),
  }));
}

/** Which axes stay (each standing for itself and those merged into it) and how large they are. */
function mergePlan(
  dims: readonly number[],
  coefficients: readonly (readonly number[])[],
): { kept: number[]; sizes: number[] } {
  const kept: number[] = [];
  const sizes: number[] = [];
  for (let axis = 0; axis < dims.length; axis++) {
    const size = dims[axis] as number;
    if (size === 1) continue;
    const outer = kept.at(-1);
    const merges =
      outer !== undefined && coefficients.every((list) => list[outer] === size * (list[axis] as number));
    if (merges) {
      kept[kept.length - 1] = axis;
      sizes[sizes.length - 1] = (sizes.at(-1) as number) * size;
    } else {
      kept.push(axis);
      sizes.push(size);
    }
  }
  // Callers read a missing coefficient as 0, so axis 0 may stand for no axis at all.
  if (kept.length === 0) return { kept: [0], sizes: [1] };
  return { kept, sizes };
}
