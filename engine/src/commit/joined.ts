import {
  FatalError,
  type Hash32,
  type ModelHeader,
  type ModelId,
  parseHash32,
  questionOf,
} from "@surety/protocol";
import { toHex } from "./hex.ts";
import { inputsRoot } from "./tensor-tree.ts";

/**
 * List hash of tensors that stand one after the other: the input root of a request's input, or the output root of an answer's output.
 *
 * @param sizes Bytes of each tensor.
 * @throws FatalError TENSOR_LENGTH
 */
export function joinedRoot(sizes: readonly number[], joined: Uint8Array): Hash32 {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== joined.length) {
    throw new FatalError(
      "TENSOR_LENGTH",
      `There are ${joined.length} bytes, the model's tensors take ${total}. The bytes belong to another model.`,
    );
  }
  let start = 0;
  const tensors = sizes.map((size) => {
    start += size;
    return joined.subarray(start - size, start);
  });
  return parseHash32(toHex(inputsRoot(tensors)));
}

/**
 * The question that a model and an input are, from the very bytes that are run: no RPC and no reorg can make it another one.
 *
 * @param input All inputs' bytes in the model's order, concatenated.
 * @throws FatalError TENSOR_LENGTH
 */
export function questionAsked(
  { modelId, header }: { readonly modelId: ModelId; readonly header: Pick<ModelHeader, "inputBytes"> },
  input: Uint8Array,
): Hash32 {
  return questionOf(modelId, joinedRoot(header.inputBytes, input));
}
