import type { GraphNode } from "../../onnx/graph.ts";
import { ELEMENT_TYPES, type HostTensor } from "../../onnx/tensor.ts";
import type { Lowering } from "../lowering.ts";
import type { ExactValue } from "../values.ts";

/** int8 is carried as uint8 in the exact graph, this much higher: kernels that multiply computed int8 are not exact on every CPU. */
const SHIFT = 128;

/** A zero point: a number known when compiling, or a value of one element. */
export type ZeroPoint =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "computed"; readonly value: ExactValue };

/** @throws FatalError MODEL_UNSUPPORTED for a zero point that differs along an axis */
export function zeroPoint(node: GraphNode, lowering: Lowering, name: string | undefined): ZeroPoint {
  if (!name) return { kind: "constant", value: 0 };
  const constant = lowering.constant(name);
  const count = lowering.dims(name).reduce((product, size) => product * size, 1);
  const [first] = (constant?.data ?? [0]) as unknown as [number];
  if (constant && count > 0 && (constant.data as Int8Array).every((value) => value === first))
    return { kind: "constant", value: first };
  if (count !== 1 || constant)
    throw lowering.unsupported(node, `its zero points "${name}" differ along an axis`);
  return { kind: "computed", value: lowering.plain(name) };
}

/** A computed u8 or i8 operand for onnxruntime's integer kernels: names of its tensor and of its zero point, both u8. */
export function asUint8(
  lowering: Lowering,
  value: ExactValue,
  zero: ZeroPoint,
): { tensor: string; zero: string } {
  const isSigned = value.type === "i8";
  const shifted = (tensor: string) => (isSigned ? shift(lowering, tensor) : tensor);
  return {
    tensor: shifted(value.tensor),
    zero:
      zero.kind === "constant"
        ? lowering.scalar("u8", zero.value + (isSigned ? SHIFT : 0))
        : shifted(zero.value.tensor),
  };
}

function shift(lowering: Lowering, tensor: string): string {
  const wide = lowering.emit("Cast", [tensor], { to: ELEMENT_TYPES.i32.code });
  const sum = lowering.emit("Add", [wide, lowering.scalar("i32", SHIFT)]);
  return lowering.emit("Cast", [sum], { to: ELEMENT_TYPES.u8.code });
}

/** Whether it is a constant of 8-bit integers. */
export function isBytes(tensor: HostTensor | undefined): tensor is HostTensor {
  return tensor?.type === "u8" || tensor?.type === "i8";
}
