import { encodeAbiParameters, keccak256 } from "viem";
import { type Hash32, type ModelId, parseHash32 } from "./ids.ts";

/**
 * What a request asks, whatever its number: keccak256(abi.encode(modelId, inputRoot)), as contracts/src/libraries/Question.sol has it. Posts,
 * games and traces name it, so that a reorg which gives a number to another request cannot make an honest act a wrong one.
 *
 * @param inputRoot List hash of the input's tensor roots. Compute it from the bytes that were run, never take it from the chain.
 * @param itemCount Inputs of the request: of a batch their number is hashed too, and `inputRoot` is the root of the tree over the inputs' roots. Default: 1.
 * @example
 * const question = questionOf(bundle.modelId, joinedRoot(bundle.header.inputBytes, input));
 */
export function questionOf(modelId: ModelId, inputRoot: Hash32, itemCount = 1): Hash32 {
  const word = { type: "bytes32" } as const;
  const encoded =
    itemCount === 1
      ? encodeAbiParameters([word, word], [modelId, inputRoot])
      : encodeAbiParameters([word, word, { type: "uint256" }], [modelId, inputRoot, BigInt(itemCount)]);
  return parseHash32(keccak256(encoded));
}
