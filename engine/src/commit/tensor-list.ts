import { FatalError } from "@surety/protocol";

/** Tensors by number, wherever they are kept. */
export interface TensorList {
  readonly count: number;
  /**
   * Not to be changed.
   *
   * @throws FatalError TENSOR_OUT_OF_RANGE
   */
  tensorBytes(index: number): Uint8Array;
  /** Gives back what the list takes; nothing is to be asked for afterwards. */
  close(): void;
}

/** @param tensors Kept, and not to be changed. */
export function tensorsInMemory(tensors: readonly Uint8Array[]): TensorList {
  return {
    count: tensors.length,
    tensorBytes: (index) => tensors[requireTensor(index, tensors.length)] as Uint8Array,
    close() {},
  };
}

/** @throws FatalError TENSOR_OUT_OF_RANGE */
export function requireTensor(index: number, count: number): number {
  if (Number.isInteger(index) && index >= 0 && index < count) return index;
  throw new FatalError("TENSOR_OUT_OF_RANGE", `There is no tensor ${index} among ${count}.`);
}
