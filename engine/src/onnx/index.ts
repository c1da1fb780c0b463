export { ModelBuilder } from "./build.ts";
export { type ImportOptions, importModel } from "./import.ts";
export {
  bytesOf,
  ELEMENT_TYPES,
  type ElementType,
  elementCount,
  type HostTensor,
  type TensorData,
  tensorFromBytes,
} from "./tensor.ts";
