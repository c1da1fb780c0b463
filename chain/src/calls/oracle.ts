import {
  type AssertionId,
  type Hash32,
  type ModelId,
  type RequestId,
  suretyOracleAbi,
} from "@surety/protocol";
import { type Address, bytesToHex, type Hex, zeroAddress } from "viem";
import type { SuretyAddresses } from "../addresses.ts";
import { DELIVERIES, type Delivery } from "../reads/request.ts";
import { type ContractCall, contractCall } from "./call.ts";

interface RequestTerms {
  readonly modelId: ModelId;
  /** Native currency sent along: at least the quote, what is above it is credited back; 0 where a token pays. */
  readonly feeWei: bigint;
  /** What the fee is paid in, allowed to the oracle beforehand. Default: the zero address, native currency. */
  readonly feeToken?: Address;
  /** What a wrong answer could cost whoever relies on it; sets bond and challenge window. Default: 0. */
  readonly valueAtRiskWei?: bigint;
  /** Default: 0. */
  readonly callbackGas?: number;
  /** Default: `pull`. */
  readonly delivery?: Delivery;
  /** Unix seconds. */
  readonly deadline: number;
}

export interface RequestInferenceParameters extends RequestTerms {
  /** Concatenation of the model's input tensors, little-endian, row-major. */
  readonly input: Uint8Array;
}

export function requestInference(at: SuretyAddresses, parameters: RequestInferenceParameters): ContractCall {
  const request = requestArgument(parameters, parameters.input);
  return contractCall("oracle", at.oracle, suretyOracleAbi, "requestInference", [request], parameters.feeWei);
}

export interface RequestBatchParameters extends RequestInferenceParameters {
  readonly itemCount: number;
}

/** Asks for the answers to many inputs, one after the other in `input`. */
export function requestBatch(at: SuretyAddresses, parameters: RequestBatchParameters): ContractCall {
  const args = [requestArgument(parameters, parameters.input), BigInt(parameters.itemCount)] as const;
  return contractCall("oracle", at.oracle, suretyOracleAbi, "requestBatch", args, parameters.feeWei);
}

export interface ShowItemParameters {
  readonly assertionId: AssertionId;
  /** Counted from 0. */
  readonly item: number;
  /** Root and path of the item in the tree of inputs, and in that of outputs. */
  readonly input: { readonly root: Hash32; readonly proof: readonly Hex[] };
  readonly output: { readonly root: Hash32; readonly proof: readonly Hex[] };
}

/** Shows an item of a batch's answer, so that it can be disputed by itself. */
export function showItem(at: SuretyAddresses, parameters: ShowItemParameters): ContractCall {
  const { assertionId, item, input, output } = parameters;
  return contractCall("oracle", at.oracle, suretyOracleAbi, "showItem", [
    ...([assertionId, BigInt(item), input.root, input.proof, output.root, output.proof] as const),
  ]);
}

export interface RequestInferenceByReferenceParameters extends RequestTerms {
  /** List hash of the input tensors' roots. */
  readonly inputRoot: Hash32;
  /** Where whoever answers or checks gets the input's bytes; at most `MAX_URI_BYTES`. */
  readonly uri: string;
}

/** Asks without the input's bytes: at the requester's risk that they can be had (docs/protocol.md). */
export function requestInferenceByReference(
  at: SuretyAddresses,
  parameters: RequestInferenceByReferenceParameters,
): ContractCall {
  const { inputRoot, uri, feeWei } = parameters;
  const args = [requestArgument(parameters, new Uint8Array()), inputRoot, uri] as const;
  return contractCall("oracle", at.oracle, suretyOracleAbi, "requestInferenceByReference", args, feeWei);
}

function requestArgument(terms: RequestTerms, input: Uint8Array) {
  const { modelId, callbackGas = 0, delivery = "pull", deadline } = terms;
  const { feeToken = zeroAddress, valueAtRiskWei = 0n } = terms;
  const number = DELIVERIES.indexOf(delivery);
  return {
    modelId,
    input: bytesToHex(input),
    callbackGas,
    delivery: number,
    deadline,
    feeToken,
    valueAtRiskWei,
  };
}

export interface PostOutputParameters {
  readonly requestId: RequestId;
  /** What is answered, from the bytes that were run: the contract refuses the post when the number stands for another question. */
  readonly question: Hash32;
  /** Concatenation of the model's output tensors. */
  readonly output: Uint8Array;
}

export function postOutput(at: SuretyAddresses, parameters: PostOutputParameters): ContractCall {
  const { requestId, question, output } = parameters;
  return contractCall("oracle", at.oracle, suretyOracleAbi, "post", [
    requestId,
    question,
    bytesToHex(output),
  ]);
}

export interface PostByReferenceParameters {
  readonly requestId: RequestId;
  readonly question: Hash32;
  /** List hash of the output tensors' roots. */
  readonly outputRoot: Hash32;
  /** Where the output is to be had. Default: nothing is said. */
  readonly uri?: string;
}

/** Posts an output that does not fit into a transaction by its root. */
export function postByReference(at: SuretyAddresses, parameters: PostByReferenceParameters): ContractCall {
  const { requestId, question, outputRoot, uri = "" } = parameters;
  const args = [requestId, question, outputRoot, uri] as const;
  return contractCall("oracle", at.oracle, suretyOracleAbi, "postByReference", args);
}

/** Finalises a pulled answer without its bytes. */
export function finaliseByReference(
  at: SuretyAddresses,
  requestId: RequestId,
  outputRoot: Hash32,
): ContractCall {
  return contractCall("oracle", at.oracle, suretyOracleAbi, "finaliseByReference", [requestId, outputRoot]);
}

export function finaliseRequest(at: SuretyAddresses, requestId: RequestId, output: Uint8Array): ContractCall {
  return contractCall("oracle", at.oracle, suretyOracleAbi, "finalise", [requestId, bytesToHex(output)]);
}

export function retryDelivery(at: SuretyAddresses, requestId: RequestId, output: Uint8Array): ContractCall {
  return contractCall("oracle", at.oracle, suretyOracleAbi, "retry", [requestId, bytesToHex(output)]);
}

/** Tells the consumer that the provisional answer it took was refuted. */
export function deliverRevocation(at: SuretyAddresses, requestId: RequestId): ContractCall {
  return contractCall("oracle", at.oracle, suretyOracleAbi, "revoke", [requestId]);
}

export function refundRequest(at: SuretyAddresses, requestId: RequestId): ContractCall {
  return contractCall("oracle", at.oracle, suretyOracleAbi, "refund", [requestId]);
}

/** Fees in a token, pulled as the native ones are. */
export function withdrawTokenFees(at: SuretyAddresses, token: Address): ContractCall {
  return contractCall("oracle", at.oracle, suretyOracleAbi, "withdrawToken", [token]);
}

export function withdrawFees(at: SuretyAddresses): ContractCall {
  return contractCall("oracle", at.oracle, suretyOracleAbi, "withdraw", []);
}
