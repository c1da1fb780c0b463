import {
  type Delivery,
  quoteInToken,
  requestInference as requestCall,
  type SuretyAddresses,
} from "@surety/chain";
import type { ModelId, RequestId } from "@surety/protocol";
import {
  type Account,
  type Address,
  type Chain,
  type Client,
  erc20Abi,
  type Hash,
  type Transport,
  zeroAddress,
} from "viem";
import { getBlock, readContract, waitForTransactionReceipt, writeContract } from "viem/actions";
import { asChain } from "../as-chain.ts";
import { sendRequest } from "../send-request.ts";

export interface RequestInferenceParameters {
  readonly modelId: ModelId;
  /** All input tensors in the model's order, one after the other: little-endian, row-major. */
  readonly input: Uint8Array;
  /** Gas of the callback that the sender, if it is a contract, gets. Default: 0. */
  readonly callbackGas?: number;
  /** Default: `pull`; an account that is no contract has no callback. */
  readonly delivery?: Delivery;
  /** What a wrong answer could cost whoever relies on it: sets the poster's bond and the challenge window, within the oracle's bounds. Default: 0. */
  readonly valueAtRiskWei?: bigint;
  /** From now until an unanswered request may be refunded. Default: 3,600. */
  readonly deadlineSeconds?: number;
  /** Native currency sent along; what is above the quote is credited back. Default: the quote, or 0 where a token pays. */
  readonly feeWei?: bigint;
  /** One of the oracle's fee tokens, to pay in instead of native currency. Where the oracle may not take the fee yet, it is allowed to first, exactly. */
  readonly feeToken?: Address;
}

export interface RequestedInference {
  readonly requestId: RequestId;
  readonly transactionHash: Hash;
  /** Native currency that was sent along. */
  readonly feeWei: bigint;
  /** What the oracle took of `feeToken`, in its smallest unit; 0 where native currency paid. */
  readonly tokenFee: bigint;
}

/** Until an unanswered request may be refunded, unless said otherwise. */
export const DEADLINE_SECONDS = 3_600;

/**
 * Asks for a model's output and waits until the request is in a block.
 *
 * @example
 * const { requestId } = await requestInference(client, addresses, { modelId, input });
 *
 * @throws viem's errors for what the contract refuses; FatalError REQUEST_LOST
 */
export async function requestInference(
  client: Client<Transport, Chain | undefined, Account>,
  addresses: SuretyAddresses,
  parameters: RequestInferenceParameters,
): Promise<RequestedInference> {
  const { modelId, input, deadlineSeconds = DEADLINE_SECONDS } = parameters;
  const { callbackGas = 0, delivery = "pull", valueAtRiskWei = 0n, feeToken = zeroAddress } = parameters;
  const terms = { callbackGas, delivery, valueAtRiskWei };
  const quote = await quoteInToken(await asChain(client), addresses, modelId, feeToken, terms);
  const paysInToken = feeToken !== zeroAddress;
  const feeWei = parameters.feeWei ?? (paysInToken ? 0n : quote);
  if (paysInToken) await allowFee(client, addresses.oracle, feeToken, quote);
  const { timestamp } = await getBlock(client);
  const deadline = Number(timestamp) + deadlineSeconds;
  const call = requestCall(addresses, {
    ...{ modelId, input, deadline, feeWei, feeToken },
    ...terms,
  });
  const sent = await sendRequest(client, addresses, call);
  return { ...sent, feeWei, tokenFee: paysInToken ? quote : 0n };
}

/** Lets the oracle take a fee, unless it may already. */
async function allowFee(
  client: Client<Transport, Chain | undefined, Account>,
  oracle: Address,
  token: Address,
  fee: bigint,
): Promise<void> {
  const at = { address: token, abi: erc20Abi } as const;
  const args = [client.account.address, oracle] as const;
  if ((await readContract(client, { ...at, functionName: "allowance", args })) >= fee) return;
  const hash = await writeContract(client, {
    ...{ ...at, functionName: "approve", args: [oracle, fee] },
    ...{ account: client.account, chain: client.chain ?? null },
  });
  await waitForTransactionReceipt(client, { hash });
}
