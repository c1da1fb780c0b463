import {
  FatalError,
  type Hash32,
  type ModelId,
  parseHash32,
  parseModelId,
  type RequestId,
  suretyOracleAbi,
} from "@surety/protocol";
import { type Address, zeroAddress } from "viem";
import type { SuretyAddresses } from "../addresses.ts";
import type { FeeToken } from "../deploy.ts";
import type { Chain } from "../rpc/client.ts";
import { read } from "./read.ts";

/** `RequestStatus` of the contracts, in the order of its numbers. */
export const REQUEST_STATUSES = ["none", "open", "asserted", "final", "refunded"] as const;
export type RequestStatus = (typeof REQUEST_STATUSES)[number];

/** `Delivery` of the contracts, in the order of its numbers. */
export const DELIVERIES = ["final", "pull", "provisional", "both"] as const;
export type Delivery = (typeof DELIVERIES)[number];

export interface RequestView {
  readonly status: RequestStatus;
  readonly requester: Address;
  readonly modelId: ModelId;
  readonly inputRoot: Hash32;
  /** In the smallest unit of `feeToken`. */
  readonly fee: bigint;
  /** The zero address for native currency. */
  readonly feeToken: Address;
  /** What an answer locks. */
  readonly bondWei: bigint;
  readonly callbackGas: number;
  readonly delivery: Delivery;
  /** The callback with the current answer failed, or waits for the revocation: `retryDelivery`. */
  readonly callbackOwed: boolean;
  /** The consumer took an answer that was refuted, and has not been told: `deliverRevocation`. */
  readonly revocationDue: boolean;
  /** Unix seconds. */
  readonly deadline: number;
  /** Unix seconds until which the assignee (`assigneeOf`) has the exclusive right to post. */
  readonly exclusiveUntil: number;
  /** Attempts refuted so far. */
  readonly attempt: number;
  /** Inputs of the request: 1, or those of a batch. */
  readonly itemCount: number;
}

/** How many requests there have been: the newest one's number. */
export function requestCount(chain: Chain, at: SuretyAddresses): Promise<bigint> {
  return read(chain, "oracle", at.oracle, suretyOracleAbi, "requestCount", []);
}

/** A request that does not exist has the status `none`. */
export async function requestOf(
  chain: Chain,
  at: SuretyAddresses,
  requestId: RequestId,
): Promise<RequestView> {
  const view = await read(chain, "oracle", at.oracle, suretyOracleAbi, "requestOf", [requestId]);
  return {
    ...view,
    modelId: parseModelId(view.modelId),
    inputRoot: parseHash32(view.inputRoot),
    status: member(REQUEST_STATUSES, view.status),
    delivery: member(DELIVERIES, view.delivery),
  };
}

/**
 * Who has the exclusive right to answer an open request until `exclusiveUntil`, as the next block will see it: whom a request draws is known from
 * the block after its own on. Undefined when anyone who serves the model may answer.
 */
export async function assigneeOf(
  chain: Chain,
  at: SuretyAddresses,
  requestId: RequestId,
): Promise<Address | undefined> {
  const args = [requestId] as const;
  const assignee = await read(chain, "oracle", at.oracle, suretyOracleAbi, "assigneeOf", args, "pending");
  return assignee === zeroAddress ? undefined : assignee;
}

/** The final output root of a request; zero until it is final. */
export async function resultOf(chain: Chain, at: SuretyAddresses, requestId: RequestId): Promise<Hash32> {
  return parseHash32(await read(chain, "oracle", at.oracle, suretyOracleAbi, "resultOf", [requestId]));
}

/** What a request's fee depends on. */
export interface QuoteTerms {
  /** Default: 0. */
  readonly callbackGas?: number;
  /** Default: `pull`. */
  readonly delivery?: Delivery;
  /** What a wrong answer could cost whoever relies on it; sets bond and window (`termsFor`). Default: 0. */
  readonly valueAtRiskWei?: bigint;
}

/** The fee a request must carry in native currency. */
export function quoteWei(
  chain: Chain,
  at: SuretyAddresses,
  modelId: ModelId,
  terms: QuoteTerms = {},
): Promise<bigint> {
  return quoteInToken(chain, at, modelId, zeroAddress, terms);
}

/** The fee that a batch of so many inputs must carry in native currency. */
export function quoteBatchWei(
  chain: Chain,
  at: SuretyAddresses,
  modelId: ModelId,
  itemCount: number,
  { callbackGas = 0, delivery = "pull", valueAtRiskWei = 0n }: QuoteTerms = {},
): Promise<bigint> {
  const terms = [modelId, callbackGas, DELIVERIES.indexOf(delivery), zeroAddress, valueAtRiskWei] as const;
  return read(chain, "oracle", at.oracle, suretyOracleAbi, "quoteBatch", [...terms, BigInt(itemCount)]);
}

/** The fee a request must carry in one of `feeTokens`, in its smallest unit. */
export function quoteInToken(
  chain: Chain,
  at: SuretyAddresses,
  modelId: ModelId,
  feeToken: Address,
  { callbackGas = 0, delivery = "pull", valueAtRiskWei = 0n }: QuoteTerms = {},
): Promise<bigint> {
  const args = [modelId, callbackGas, DELIVERIES.indexOf(delivery), feeToken, valueAtRiskWei] as const;
  return read(chain, "oracle", at.oracle, suretyOracleAbi, "quote", args);
}

/** What an answer is bonded with and how long it can be challenged, when so much is at risk. */
export async function termsFor(
  chain: Chain,
  at: SuretyAddresses,
  valueAtRiskWei: bigint,
): Promise<{ readonly bondWei: bigint; readonly windowSeconds: number }> {
  const args = [valueAtRiskWei] as const;
  const [bondWei, seconds] = await read(chain, "oracle", at.oracle, suretyOracleAbi, "termsOf", args);
  return { bondWei, windowSeconds: Number(seconds) };
}

/** The tokens that fees may be paid in besides native currency. */
export function feeTokensOf(chain: Chain, at: SuretyAddresses): Promise<readonly FeeToken[]> {
  return read(chain, "oracle", at.oracle, suretyOracleAbi, "feeTokens", []);
}

function member<const Values extends readonly string[]>(values: Values, number: number): Values[number] {
  const value = values[number];
  if (value !== undefined) return value;
  throw new FatalError(
    "ABI_MISMATCH",
    `The contract gave the enum value ${number}, this version knows ${values.length}.`,
  );
}
