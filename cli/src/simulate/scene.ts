import {
  DEVNET_PARAMETERS,
  deploySurety,
  depositStake,
  findLog,
  joinModel,
  postByReference,
  postOutput,
  quoteWei,
  registerModel,
  requestInference,
  requestInferenceByReference,
  type SuretyAddresses,
} from "@surety/chain";
import { type Bundle, joinedRoot, questionAsked } from "@surety/engine";
import {
  type AssertionId,
  FatalError,
  givesOutputsByReference,
  type Hash32,
  parseAssertionId,
  parseRequestId,
  type RequestId,
  takesInputsByReference,
} from "@surety/protocol";
import type { Address } from "viem";
import { type Evm, logsOf, openEvm } from "./evm.ts";

/** A deployment with one staked poster, and one request that it is to answer. */
export interface Scene {
  readonly evm: Evm;
  readonly addresses: SuretyAddresses;
  readonly poster: Address;
  readonly challenger: Address;
  readonly challengeBondWei: bigint;
  readonly requestId: RequestId;
  readonly question: Hash32;
}

export interface OpenSceneParameters {
  readonly bundle: Bundle;
  /** A request's input: all inputs' bytes, concatenated. */
  readonly input: Uint8Array;
}

/** A request stays open this long, in simulated time. */
const DEADLINE_SECONDS = 1_000_000;

/** What is not in a transaction is nowhere: in a simulation both sides have it. */
const NOWHERE = "";

/** Deploys, registers, stakes and asks; by reference where the model's inputs are too large for a transaction. */
export async function openScene({ bundle, input }: OpenSceneParameters): Promise<Scene> {
  const evm = await openEvm();
  try {
    const [deployer, poster, challenger, requester] = evm.accounts as [Address, Address, Address, Address];
    const { chain } = evm;
    const addresses = await deploySurety(evm.walletOf(deployer), chain.client);
    const { modelId, header } = bundle;
    await evm.send(deployer, registerModel(addresses, header, ""));
    await evm.send(poster, depositStake(addresses, DEVNET_PARAMETERS.minStakeWei));
    await evm.send(poster, joinModel(addresses, modelId));

    const feeWei = await quoteWei(chain, addresses, modelId);
    const { timestamp } = await chain.client.getBlock();
    const deadline = Number(timestamp) + DEADLINE_SECONDS;
    const terms = { modelId, feeWei, deadline };
    const inputRoot = joinedRoot(header.inputBytes, input);
    const asked = await evm.send(
      requester,
      takesInputsByReference(header)
        ? requestInferenceByReference(addresses, { ...terms, inputRoot, uri: NOWHERE })
        : requestInference(addresses, { ...terms, input }),
    );
    const logs = logsOf(addresses, asked);
    const requested = findLog(logs, "oracle", "Requested") ?? findLog(logs, "oracle", "RequestedByReference");
    if (requested === undefined) throw new FatalError("SIMULATION_STUCK", "The request was not taken.");
    const requestId = parseRequestId(requested.args.requestId);
    const question = questionAsked(bundle, input);
    const { challengeBondWei } = DEVNET_PARAMETERS;
    return { evm, addresses, poster, challenger, challengeBondWei, requestId, question };
  } catch (error) {
    await evm.close();
    throw error;
  }
}

/** Posts the poster's answer; by its root where the model's outputs are too large for a transaction. */
export async function answerIn(
  { evm, addresses, poster, requestId, question }: Scene,
  { header }: Bundle,
  output: Uint8Array,
): Promise<AssertionId> {
  const sizes = header.outputs.map(({ bytes }) => bytes);
  const answered = await evm.send(
    poster,
    givesOutputsByReference(header)
      ? postByReference(addresses, { requestId, question, outputRoot: joinedRoot(sizes, output) })
      : postOutput(addresses, { requestId, question, output }),
  );
  const logs = logsOf(addresses, answered);
  const posted = findLog(logs, "oracle", "Posted") ?? findLog(logs, "oracle", "PostedByReference");
  if (posted === undefined) throw new FatalError("SIMULATION_STUCK", "The answer was not taken.");
  return parseAssertionId(posted.args.assertionId);
}
