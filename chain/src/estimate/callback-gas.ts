import {
  callbackMeterRuntimeBytecode,
  FatalError,
  inferenceCallbackAbi,
  provisionalCallbackAbi,
  suretyOracleAbi,
} from "@surety/protocol";
import {
  type Address,
  bytesToHex,
  decodeAbiParameters,
  encodeAbiParameters,
  encodeFunctionData,
  type Hex,
  type StateOverride,
} from "viem";
import type { SuretyAddresses } from "../addresses.ts";
import { revertError, toContractError } from "../errors/contract-revert.ts";
import { read } from "../reads/read.ts";
import type { Chain } from "../rpc/client.ts";
import { retryRpc } from "../rpc/retry.ts";

/** `final` is `onInference`, `provisional` is `onProvisionalInference`, `revoked` is `onRevoked`. */
export type CallbackKind = "final" | "provisional" | "revoked";

export interface EstimateCallbackGasParameters {
  /** The contract that will be called back; it must be deployed. */
  readonly consumer: Address;
  /** Default: `final`. */
  readonly callback?: CallbackKind;
  /**
   * Concatenation of the model's output tensors, little-endian, row-major: a real one, because what a consumer does with it costs what its
   * values and its size make it cost. `ModelSession.run` of `@surety/engine` gives it. Not used for `revoked`.
   */
  readonly output: Uint8Array;
  /** The request that the consumer is told of. Default: the number of the next request. */
  readonly requestId?: bigint;
  /** Added to what the callback needs, in parts of 10,000. Default: 2,000. */
  readonly marginBps?: number;
  /** Further state to suppose, for instance the consumer's own storage as it will be once it has asked. Not of the oracle. */
  readonly stateOverride?: StateOverride;
}

export interface CallbackGasEstimate {
  /** The least gas with which the callback succeeds in the chain's present state. */
  readonly neededGas: number;
  /** What to ask for: with the margin, rounded up to thousands, at most `MAX_CALLBACK_GAS`. */
  readonly callbackGas: number;
}

/** `CallbackMeter.CALLER` and `CallbackMeter.SHADOW`. */
const CALLER: Address = "0x0000000000000000000000000000000000005075";
const SHADOW: Address = "0x000000000000000000000000000000005075C0DE";

/** Gas of a simulated transaction: the dearest callback, its calldata, and as much again. */
const SIMULATION_GAS = 30_000_000n;
const GENEROUS_GAS = 20_000_000;
/** How near to the least gas the search ends. */
const PRECISION_GAS = 64;

/**
 * How much gas to ask for as `callbackGas`: runs the consumer's callback, called by the oracle, with a real output, in a simulation of the
 * chain as it is, and searches the least gas with which it succeeds. (Gas used is not enough: of nested calls one 64th is held back.) Sends
 * nothing. The node behind the RPC must support state overrides of `eth_call`, as geth, reth, Nethermind, Erigon, anvil and Hardhat do.
 *
 * Storage that is empty today and full tomorrow makes later callbacks cheaper, growing lists make them dearer: give the margin that the
 * consumer calls for. The oracle's lock is not held in the simulation, so a consumer that calls the oracle's entry points in its callback fails
 * in earnest.
 *
 * @throws FatalError CONSUMER_WITHOUT_CODE, CALLBACK_TOO_DEAR (above `MAX_CALLBACK_GAS`), RPC_UNREACHABLE; ContractRevertError when the
 * consumer refuses with any gas
 * @example
 * const output = await session.run(input);
 * const { callbackGas } = await estimateCallbackGas(chain, addresses, { consumer, output });
 */
export async function estimateCallbackGas(
  chain: Chain,
  at: SuretyAddresses,
  parameters: EstimateCallbackGasParameters,
): Promise<CallbackGasEstimate> {
  const { consumer, callback = "final", marginBps = 2_000 } = parameters;
  const what = `consumer.${callback === "revoked" ? "onRevoked" : callback === "final" ? "onInference" : "onProvisionalInference"}`;
  const codeOf = (address: Address) => retryRpc(() => chain.client.getCode({ address }), chain.retry);
  if ((await codeOf(consumer)) === undefined) {
    throw new FatalError(
      "CONSUMER_WITHOUT_CODE",
      `There is no contract at ${consumer}: a callback to it fails whatever its gas. Deploy it first, or ask with delivery pull.`,
    );
  }
  const mostGas = await read(chain, "oracle", at.oracle, suretyOracleAbi, "MAX_CALLBACK_GAS", []);
  const requestId =
    parameters.requestId ??
    (await read(chain, "oracle", at.oracle, suretyOracleAbi, "requestCount", [])) + 1n;
  const data = callbackData(callback, requestId, parameters.output);
  const stateOverride: StateOverride = [
    ...(parameters.stateOverride ?? []),
    { address: at.oracle, code: callbackMeterRuntimeBytecode },
    { address: SHADOW, code: (await codeOf(at.oracle)) ?? "0x" },
  ];

  const attempt = async (callbackGas: number): Promise<{ success: boolean; returnData: Hex }> => {
    const call = {
      account: CALLER,
      to: at.oracle,
      data: encodeAbiParameters(METER_INPUT, [BigInt(callbackGas), consumer, data]),
      gas: SIMULATION_GAS,
      stateOverride,
    };
    try {
      const result = await retryRpc(() => chain.client.call(call), chain.retry);
      const [success, returnData] = decodeAbiParameters(METER_OUTPUT, result.data ?? "0x");
      return { success, returnData };
    } catch (error) {
      throw toContractError(what, error);
    }
  };

  if (!(await attempt(mostGas)).success) {
    const generous = await attempt(GENEROUS_GAS);
    if (!generous.success) throw revertError(what, generous.returnData);
    throw new FatalError(
      "CALLBACK_TOO_DEAR",
      `${what} needs more than ${mostGas} gas, the most that can be asked for. Let it store the answer and work on it in another transaction, or ask with delivery pull.`,
    );
  }
  let tooLittle = 0;
  let enough = mostGas;
  while (enough - tooLittle > PRECISION_GAS) {
    // Callbacks are mostly far cheaper than the most: the geometric mean gets there sooner.
    const middle = Math.floor(
      tooLittle === 0 ? enough / 8 : Math.min(Math.sqrt(tooLittle * enough), (tooLittle + enough) / 2),
    );
    if ((await attempt(middle)).success) enough = middle;
    else tooLittle = middle;
  }
  const withMargin = Math.ceil((enough * (10_000 + marginBps)) / 10_000 / 1_000) * 1_000;
  return { neededGas: enough, callbackGas: Math.min(withMargin, mostGas) };
}

const METER_INPUT = [{ type: "uint256" }, { type: "address" }, { type: "bytes" }] as const;
const METER_OUTPUT = [{ type: "bool" }, { type: "bytes" }] as const;

function callbackData(callback: CallbackKind, requestId: bigint, output: Uint8Array): Hex {
  switch (callback) {
    case "final":
      return encodeFunctionData({
        abi: inferenceCallbackAbi,
        functionName: "onInference",
        args: [requestId, bytesToHex(output)],
      });
    case "provisional":
      return encodeFunctionData({
        abi: provisionalCallbackAbi,
        functionName: "onProvisionalInference",
        args: [requestId, bytesToHex(output)],
      });
    case "revoked":
      return encodeFunctionData({
        abi: provisionalCallbackAbi,
        functionName: "onRevoked",
        args: [requestId],
      });
  }
}
