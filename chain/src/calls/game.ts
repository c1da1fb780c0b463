import {
  type AssertionId,
  disputeGameAbi,
  type GameId,
  type Hash32,
  type ModelHeader,
} from "@surety/protocol";
import { bytesToHex, type ContractFunctionArgs, type Hex } from "viem";
import type { SuretyAddresses } from "../addresses.ts";
import { type ContractCall, contractCall } from "./call.ts";
import { modelHeaderArgument } from "./model-header.ts";

/** `IDisputeGame.Step`: the last move. */
export type GameStep = ContractFunctionArgs<typeof disputeGameAbi, "nonpayable", "step">[3];

export interface OpenGameParameters {
  readonly assertionId: AssertionId;
  /** The question and the output root held to be its wrong answer, from the bytes that were checked. */
  readonly question: Hash32;
  readonly outputRoot: Hash32;
  /** The game contract's challenge bond. */
  readonly bondWei: bigint;
}

export function openGame(at: SuretyAddresses, parameters: OpenGameParameters): ContractCall {
  const { assertionId, question, outputRoot, bondWei } = parameters;
  const args = [assertionId, question, outputRoot] as const;
  return contractCall("game", at.game, disputeGameAbi, "open", args, bondWei);
}

export interface CommitTraceParameters {
  readonly assertionId: AssertionId;
  /** What the trace is a run of. */
  readonly question: Hash32;
  readonly traceRoot: Hex;
  readonly header: ModelHeader;
  /** The output tensor roots behind the posted output root. */
  readonly outputRoots: readonly Hex[];
  /** Multiproof of the output tensor roots in the trace. */
  readonly outputProof: readonly Hex[];
  /** The nodes one reveal below the root. */
  readonly children: readonly Hex[];
}

export function commitTrace(at: SuretyAddresses, parameters: CommitTraceParameters): ContractCall {
  const { assertionId, question, traceRoot, header, outputRoots, outputProof, children } = parameters;
  return contractCall("game", at.game, disputeGameAbi, "commitTrace", [
    assertionId,
    question,
    traceRoot,
    modelHeaderArgument(header),
    outputRoots,
    outputProof,
    children,
  ]);
}

export function reveal(
  at: SuretyAddresses,
  gameId: GameId,
  node: Hex,
  children: readonly Hex[],
): ContractCall {
  return contractCall("game", at.game, disputeGameAbi, "reveal", [gameId, node, children]);
}

export function revealBytes(at: SuretyAddresses, gameId: GameId, node: Hex, data: Uint8Array): ContractCall {
  return contractCall("game", at.game, disputeGameAbi, "revealBytes", [gameId, node, bytesToHex(data)]);
}

export interface SelectParameters {
  readonly gameId: GameId;
  /** The node in dispute. */
  readonly node: Hex;
  /** The picked child's number among the revealed ones. */
  readonly child: number;
  readonly childHash: Hex;
  /** Path of the child up to the node in dispute. */
  readonly proof: readonly Hex[];
}

export function selectNode(at: SuretyAddresses, parameters: SelectParameters): ContractCall {
  const { gameId, node, child, childHash, proof } = parameters;
  return contractCall("game", at.game, disputeGameAbi, "select", [gameId, node, child, childHash, proof]);
}

export interface SelectTensorParameters extends SelectParameters {
  readonly header: ModelHeader;
  /** The encoded instruction that computes the picked tensor. */
  readonly instruction: Hex;
  /** Path of the instruction in the program. */
  readonly instructionProof: readonly Hex[];
}

export function selectTensor(at: SuretyAddresses, parameters: SelectTensorParameters): ContractCall {
  const { gameId, node, child, childHash, proof, header, instruction, instructionProof } = parameters;
  return contractCall("game", at.game, disputeGameAbi, "selectTensor", [
    gameId,
    node,
    child,
    childHash,
    proof,
    modelHeaderArgument(header),
    instruction,
    instructionProof,
  ]);
}

export interface StepParameters {
  readonly gameId: GameId;
  /** The node in dispute. */
  readonly node: Hex;
  readonly header: ModelHeader;
  readonly step: GameStep;
}

export function stepGame(at: SuretyAddresses, { gameId, node, header, step }: StepParameters): ContractCall {
  return contractCall("game", at.game, disputeGameAbi, "step", [
    gameId,
    node,
    modelHeaderArgument(header),
    step,
  ]);
}

export function claimTimeout(at: SuretyAddresses, gameId: GameId): ContractCall {
  return contractCall("game", at.game, disputeGameAbi, "claimTimeout", [gameId]);
}

export function closeVoid(at: SuretyAddresses, gameId: GameId): ContractCall {
  return contractCall("game", at.game, disputeGameAbi, "closeVoid", [gameId]);
}

export function withdrawWinnings(at: SuretyAddresses): ContractCall {
  return contractCall("game", at.game, disputeGameAbi, "withdraw", []);
}
