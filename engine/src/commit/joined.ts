import {
  FatalError,
  type Hash32,
  itemBytes,
  type ModelHeader,
  type ModelId,
  parseHash32,
  questionOf,
} from "@surety/protocol";
import { fromHex, type Hex, toHex } from "./hex.ts";
import { MerkleTree } from "./merkle-tree.ts";
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
 * How many items a request's input, or an answer's output, has: of a single request 1. The contracts take no other lengths than so many times an item's.
 *
 * @param sizes Bytes of each tensor of one item.
 * @throws FatalError TENSOR_LENGTH
 */
export function itemCountOf(sizes: readonly number[], joined: Uint8Array): number {
  const size = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const count = joined.length / size;
  if (Number.isInteger(count) && count > 0) return count;
  throw new FatalError(
    "TENSOR_LENGTH",
    `There are ${joined.length} bytes, the model's tensors take ${size}. The bytes belong to another model.`,
  );
}

/** The items' bytes of a request's input, or of an answer's output; of a single request one. @throws FatalError TENSOR_LENGTH */
export function splitItems(sizes: readonly number[], joined: Uint8Array): Uint8Array[] {
  const count = itemCountOf(sizes, joined);
  return Array.from({ length: count }, (_, item) => itemBytes(joined, count, item));
}

/** Roots of the items of a batch, whose bytes stand one after the other. @param sizes Bytes of each tensor of one item. */
function itemRoots(sizes: readonly number[], joined: Uint8Array, itemCount: number): Uint8Array[] {
  return Array.from({ length: itemCount }, (_, item) =>
    fromHex(joinedRoot(sizes, itemBytes(joined, itemCount, item))),
  );
}

/**
 * What a request's input, or an answer's output, is committed to by: `joinedRoot` of one item, of a batch the root of the tree over its items' roots.
 *
 * @throws FatalError TENSOR_LENGTH
 */
export function batchRoot(sizes: readonly number[], joined: Uint8Array, itemCount: number): Hash32 {
  return parseHash32(toHex(MerkleTree.of(itemRoots(sizes, joined, itemCount)).root));
}

/** One item of a batch as the contracts want it proven: its root, and its path in the tree over all items, from below. */
export interface ItemProof {
  readonly root: Hash32;
  readonly proof: readonly Hex[];
}

/**
 * Proves one item of a batch, of its inputs or of its outputs.
 *
 * @param joined The bytes of all items.
 * @param item Counted from 0.
 * @throws FatalError TENSOR_LENGTH
 */
export function proveItem(
  sizes: readonly number[],
  joined: Uint8Array,
  itemCount: number,
  item: number,
): ItemProof {
  const roots = itemRoots(sizes, joined, itemCount);
  const proof = MerkleTree.of(roots).multiproof([item]).map(toHex);
  return { root: parseHash32(toHex(roots[item] as Uint8Array)), proof };
}

/**
 * The question that a model and an input are, from the very bytes that are run: no RPC and no reorg can make it another one.
 *
 * @param input All inputs' bytes in the model's order, concatenated; of a batch, those of all items.
 * @throws FatalError TENSOR_LENGTH
 */
export function questionAsked(
  { modelId, header }: { readonly modelId: ModelId; readonly header: Pick<ModelHeader, "inputBytes"> },
  input: Uint8Array,
): Hash32 {
  const itemCount = itemCountOf(header.inputBytes, input);
  return questionOf(modelId, batchRoot(header.inputBytes, input, itemCount), itemCount);
}
