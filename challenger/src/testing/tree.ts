import { LEAF_BYTES, type Place, treeHeight } from "@surety/protocol";
import type { Hex } from "viem";
import { leafHash, levelsOver, ZERO_HASH } from "../dispute/hashing.ts";
import type { OwnRun, OwnTensor, TreeView } from "../dispute/own-run.ts";

/** A tree by the letter of docs/exact-profile.md, section 4, for tests: plain and slow. */
export function plainTree(
  hashes: readonly Hex[],
): TreeView & { readonly root: Hex; readonly height: number } {
  const height = treeHeight(hashes.length);
  const levels = levelsOver(Array.from({ length: 2 ** height }, (_, index) => hashes[index] ?? ZERO_HASH));
  return {
    height,
    root: levels[height]?.[0] ?? ZERO_HASH,
    node: (place: Place) => levels[place.height]?.[place.position] ?? ZERO_HASH,
  };
}

/** A tensor with its tree. */
export function plainTensor(bytes: Uint8Array): OwnTensor & ReturnType<typeof plainTree> {
  const leaves = Array.from({ length: Math.ceil(bytes.length / LEAF_BYTES) }, (_, leaf) =>
    leafHash(bytes.subarray(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES)),
  );
  return { bytes, ...plainTree(leaves) };
}

/** A run of made-up tensors; its step witness carries the paths it was asked to prove, and nothing else. */
export function plainRun(tensors: readonly Uint8Array[]): OwnRun & { readonly root: Hex } {
  const own = tensors.map(plainTensor);
  const trace = plainTree(own.map(({ root }) => root));
  const zero = ZERO_HASH;
  return {
    header: {
      profileVersion: 1,
      programRoot: zero,
      weightsRoot: zero,
      graphHash: zero,
      schemaHash: zero,
      instructionCount: tensors.length,
      weightCount: 0,
      inputBytes: [],
      outputs: [],
    },
    instructionCount: tensors.length,
    root: trace.root,
    trace,
    tensor: (instruction) => own[instruction] as OwnTensor,
    encodedInstruction: () => "0x00",
    instructionProof: () => [],
    stepWitness: (instruction, _element, traceProof) => ({
      instruction: "0x00",
      inputRoots: [],
      operands: Array.from({ length: instruction }, (_, tensor) => ({
        tensorRoot: (own[tensor] as ReturnType<typeof plainTensor>).root,
        tensorProof: traceProof(tensor),
        leaves: [],
        data: "0x" as const,
        proof: [],
      })),
    }),
  };
}
