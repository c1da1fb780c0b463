import {
  DEVNET_PARAMETERS,
  deploySurety,
  depositStake,
  findLog,
  joinModel,
  postOutput,
  quoteWei,
  registerModel,
  requestInference,
  type SuretyAddresses,
} from "@surety/chain";
import { type Bundle, questionAsked } from "@surety/engine";
import {
  type AssertionId,
  FatalError,
  type Hash32,
  parseAssertionId,
  parseRequestId,
  type RequestId,
} from "@surety/protocol";
import type { Address } from "viem";
import { type Evm, logsOf, openEvm } from "./evm.ts";

/** A deployment with one staked poster, and one request that it has answered. */
export interface Scene {
  readonly evm: Evm;
  readonly addresses: SuretyAddresses;
  readonly poster: Address;
  readonly challenger: Address;
  readonly challengeBondWei: bigint;
  readonly requestId: RequestId;
  readonly question: Hash32;
  readonly assertionId: AssertionId;
}

export interface OpenSceneParameters {
  readonly bundle: Bundle;
  /** A request's input: all inputs' bytes, concatenated. */
  readonly input: Uint8Array;
  /** What the poster answers. */
  readonly output: Uint8Array;
}

/** A request stays open this long, in simulated time. */
const DEADLINE_SECONDS = 1_000_000;

/** Deploys, registers, stakes, asks and answers: all that comes before a dispute. */
export async function openScene({ bundle, input, output }: OpenSceneParameters): Promise<Scene> {
  const evm = await openEvm();
  try {
    const [deployer, poster, challenger, requester] = evm.accounts as [Address, Address, Address, Address];
    const { chain } = evm;
    const addresses = await deploySurety(evm.walletOf(deployer), chain.client);
    const { modelId, header } = bundle;
    await evm.send(deployer, registerModel(addresses, header, ""));
    await evm.send(poster, depositStake(addresses, DEVNET_PARAMETERS.minStakeWei));
    await evm.send(poster, joinModel(addresses, modelId));

    const feeWei = await quoteWei(chain, addresses, modelId, 0);
    const { timestamp } = await chain.client.getBlock();
    const deadline = Number(timestamp) + DEADLINE_SECONDS;
    const asked = await evm.send(
      requester,
      requestInference(addresses, { modelId, input, feeWei, deadline }),
    );
    const requested = findLog(logsOf(addresses, asked), "oracle", "Requested");
    if (requested === undefined) throw new FatalError("SIMULATION_STUCK", "The request was not taken.");
    const requestId = parseRequestId(requested.args.requestId);
    const question = questionAsked(bundle, input);
    const answered = await evm.send(poster, postOutput(addresses, { requestId, question, output }));
    const posted = findLog(logsOf(addresses, answered), "oracle", "Posted");
    if (posted === undefined) throw new FatalError("SIMULATION_STUCK", "The answer was not taken.");
    const assertionId = parseAssertionId(posted.args.assertionId);
    const { challengeBondWei } = DEVNET_PARAMETERS;
    return { evm, addresses, poster, challenger, challengeBondWei, requestId, question, assertionId };
  } catch (error) {
    await evm.close();
    throw error;
  }
}
