import { encodeAbiParameters, keccak256 } from "viem";
import { type Hash32, type ModelId, parseHash32 } from "./ids.ts";

/**
 * What a request asks, whatever its number: keccak256(abi.encode(modelId, inputRoot)), as contracts/src/libraries/Question.sol has it. Posts,
 * games and traces name it, so that a reorg which gives a number to another request cannot make an honest act a wrong one.
 *
 * @param inputRoot List hash of the input's tensor roots. Compute it from the bytes that were run, never take it from the chain.
 * @example
 * const question = questionOf(bundle.modelId, joinedRoot(bundle.header.inputBytes, input));
 */
export function questionOf(modelId: ModelId, inputRoot: Hash32): Hash32 {
  return parseHash32(
    keccak256(encodeAbiParameters([{ type: "bytes32" }, { type: "bytes32" }], [modelId, inputRoot])),
  );
}
