import { type Hash32, type ModelId, type RequestId, suretyOracleAbi } from "@surety/protocol";
import { bytesToHex } from "viem";
import type { SuretyAddresses } from "../addresses.ts";
import { DELIVERIES, type Delivery } from "../reads/request.ts";
import { type ContractCall, contractCall } from "./call.ts";

export interface RequestInferenceParameters {
  readonly modelId: ModelId;
  /** Concatenation of the model's input tensors, little-endian, row-major. */
  readonly input: Uint8Array;
  /** At least the quote; what is above it is credited back. */
  readonly feeWei: bigint;
  /** Default: 0. */
  readonly callbackGas?: number;
  /** Default: `pull`. */
  readonly delivery?: Delivery;
  /** Unix seconds. */
  readonly deadline: number;
}

export function requestInference(at: SuretyAddresses, parameters: RequestInferenceParameters): ContractCall {
  const { modelId, input, feeWei, callbackGas = 0, delivery = "pull", deadline } = parameters;
  const request = {
    modelId,
    input: bytesToHex(input),
    callbackGas,
    delivery: DELIVERIES.indexOf(delivery),
    deadline,
  };
  return contractCall("oracle", at.oracle, suretyOracleAbi, "requestInference", [request], feeWei);
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

export function finaliseRequest(at: SuretyAddresses, requestId: RequestId, output: Uint8Array): ContractCall {
  return contractCall("oracle", at.oracle, suretyOracleAbi, "finalise", [requestId, bytesToHex(output)]);
}

export function retryDelivery(at: SuretyAddresses, requestId: RequestId, output: Uint8Array): ContractCall {
  return contractCall("oracle", at.oracle, suretyOracleAbi, "retry", [requestId, bytesToHex(output)]);
}

export function refundRequest(at: SuretyAddresses, requestId: RequestId): ContractCall {
  return contractCall("oracle", at.oracle, suretyOracleAbi, "refund", [requestId]);
}

export function withdrawFees(at: SuretyAddresses): ContractCall {
  return contractCall("oracle", at.oracle, suretyOracleAbi, "withdraw", []);
}
