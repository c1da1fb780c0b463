import type { Address, Hex, TypedDataDefinition } from "viem";

/** Who signs and within which limits: `Delegation` of the contracts. */
export interface DelegatedTerms {
  /** Who signs; is called back and gets refunds. */
  readonly requester: Address;
  /** Any number not used before, in any order. */
  readonly nonce: bigint;
  /** Unix seconds after which nobody may send it any more. */
  readonly validUntil: number;
  /** The most that may be taken, in the smallest unit of the fee token. */
  readonly maxFee: bigint;
}

export interface DelegatedRequestParameters {
  readonly chainId: number;
  readonly oracle: Address;
  /** As it is sent, but for the input's bytes. */
  readonly request: {
    readonly modelId: Hex;
    readonly callbackGas: number;
    /** The contracts' number of the delivery mode (`DELIVERIES`). */
    readonly delivery: number;
    readonly deadline: number;
    readonly feeToken: Address;
    readonly valueAtRiskWei: bigint;
  };
  /** List hash of the input tensors' roots. */
  readonly inputRoot: Hex;
  /** Default: false, the input's bytes are sent. */
  readonly byReference?: boolean;
  /** Default: empty, as it is where the bytes are sent. */
  readonly uri?: string;
  readonly delegation: DelegatedTerms;
}

const FIELDS = [
  { name: "requester", type: "address" },
  { name: "modelId", type: "bytes32" },
  { name: "inputRoot", type: "bytes32" },
  { name: "byReference", type: "bool" },
  { name: "uri", type: "string" },
  { name: "callbackGas", type: "uint32" },
  { name: "delivery", type: "uint8" },
  { name: "deadline", type: "uint40" },
  { name: "feeToken", type: "address" },
  { name: "valueAtRiskWei", type: "uint128" },
  { name: "maxFee", type: "uint256" },
  { name: "nonce", type: "uint256" },
  { name: "validUntil", type: "uint40" },
] as const;

/**
 * What a requester signs (EIP-712) so that somebody else may send its request: every term, the input by its root, and the one contract on the one
 * chain that it is for.
 *
 * @example
 * const typed = delegatedRequestTypedData({ chainId, oracle, request, inputRoot, delegation });
 * const signature = await account.signTypedData(typed);
 * // Anyone may now call requestInferenceFor(request, delegation, signature).
 */
export function delegatedRequestTypedData(
  parameters: DelegatedRequestParameters,
): TypedDataDefinition<{ DelegatedRequest: typeof FIELDS }, "DelegatedRequest"> {
  const { chainId, oracle, request, inputRoot, byReference = false, uri = "", delegation } = parameters;
  const { modelId, callbackGas, delivery, deadline, feeToken, valueAtRiskWei } = request;
  return {
    domain: { name: "Surety", version: "1", chainId, verifyingContract: oracle },
    types: { DelegatedRequest: FIELDS },
    primaryType: "DelegatedRequest",
    message: {
      ...{ modelId, inputRoot, byReference, uri, callbackGas, delivery, deadline, feeToken, valueAtRiskWei },
      ...delegation,
    },
  };
}
