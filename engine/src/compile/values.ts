import type { ElementType } from "../onnx/tensor.ts";
import type { Dtype } from "../program/instruction.ts";
import type { Interval } from "./interval.ts";
import type { Quantisation } from "./quantisation.ts";
import type { View } from "./view.ts";

/** Element types of the exact graph that the program can hold, with the dtype it holds them as. */
export const DTYPE_OF = {
  f32: "f32",
  i32: "i32",
  i64: "i64",
  u8: "u8",
  i8: "i8",
  bool: "u8",
} as const satisfies Partial<Record<ElementType, Dtype>>;
export type ProgramType = keyof typeof DTYPE_OF;

export function isProgramType(type: ElementType): type is ProgramType {
  return type in DTYPE_OF;
}

/** A value both forms have: a tensor of the exact graph, a view in the program. */
export interface ExactValue {
  /** Name in the exact graph. */
  readonly tensor: string;
  /** Logical sizes, as in the exact graph. */
  readonly dims: readonly number[];
  readonly view: View;
  /** Element type in the exact graph. */
  readonly type: ProgramType;
  /** Bounds of its elements, if better are known than the type's. */
  readonly range?: Interval;
}

/** A float value as u8 integers. */
export type QuantisedValue = ExactValue & { readonly quantisation: Quantisation };
