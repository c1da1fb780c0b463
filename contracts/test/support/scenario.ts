import { type CommittedTrace, toHex } from "@surety/engine";
import type { Address, Hex } from "viem";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { DELIVERIES, type Delivery } from "../../../chain/src/reads/request.ts";
import {
  countingModel,
  type Model,
  outputOf,
  outputRootOf,
  questionFor,
  runModel,
  type Tamper,
} from "./models.ts";
import type { Network } from "./network.ts";
import { type ChallengerKnows, play } from "./players.ts";
import {
  assigneeOf,
  eventOf,
  type ParameterChanges,
  type Surety,
  serve,
  startSurety,
  ZERO_ADDRESS,
} from "./surety.ts";

export interface RequestOptions {
  readonly callbackGas?: number;
  readonly delivery?: Delivery;
  readonly deadline?: number;
  readonly from?: Address;
  readonly valueWei?: bigint;
  /** Default: native currency. */
  readonly feeToken?: Address;
  /** Default: 0. */
  readonly valueAtRiskWei?: bigint;
}

/** Who is who in a test, and the steps that lead to what it is about. */
export function actors(surety: Surety) {
  const [alice, bob, challenger, second, requester, stranger] = surety.accounts as [
    Address,
    Address,
    Address,
    Address,
    Address,
    Address,
  ];
  return { alice, bob, challenger, second, requester, stranger };
}

export const CALLBACK_GAS = 100_000;

/** The arguments of `requestInference`. */
export async function requestOf(
  { now }: Surety,
  model: Model,
  input: Uint8Array,
  options: RequestOptions = {},
) {
  return {
    modelId: model.modelId,
    input: toHex(input),
    callbackGas: options.callbackGas ?? CALLBACK_GAS,
    delivery: DELIVERIES.indexOf(options.delivery ?? "final"),
    deadline: options.deadline ?? (await now()) + 10_000,
    feeToken: options.feeToken ?? ZERO_ADDRESS,
    valueAtRiskWei: options.valueAtRiskWei ?? 0n,
  };
}

/**
 * One deployment for all tests of a file, taken back to its beginning after each: a registered model, Alice and Bob serving it, one input.
 */
export function useSurety(
  model: Model,
  input: Uint8Array,
  parameters: ParameterChanges = {},
  network?: () => Promise<Network>,
) {
  let surety!: Surety;
  let snapshot: Hex;
  beforeAll(async () => {
    surety = await startSurety(parameters, network);
    const { alice, bob, requester } = actors(surety);
    await surety.send({
      from: requester,
      to: surety.registry,
      call: "register",
      args: [model.header, "ipfs://m"],
    });
    await serve(surety, alice, model.modelId);
    await serve(surety, bob, model.modelId);
  });
  beforeEach(async () => {
    snapshot = await surety.snapshot();
  });
  afterEach(() => surety.revert(snapshot));
  afterAll(() => surety.close());

  // Run when first asked for: a model may be too large to be run here.
  let run: CommittedTrace | undefined;
  const honest = () => {
    run ??= runModel(model, [input]);
    return run;
  };
  const question = questionFor(model, [input]);
  const feeOf = (callbackGas = CALLBACK_GAS, delivery: Delivery = "final") =>
    surety.parameters.baseFeeWei +
    BigInt((delivery === "both" ? 2 : 1) * callbackGas) * surety.parameters.callbackGasPriceWei;

  /** Sends a request; gives its number and who is to answer. */
  const request = async (options: RequestOptions = {}) => {
    const receipt = await surety.send({
      from: options.from ?? actors(surety).requester,
      to: surety.oracle,
      call: "requestInference",
      args: [await requestOf(surety, model, input, options)],
      valueWei: options.valueWei ?? feeOf(options.callbackGas, options.delivery),
    });
    const requestId = eventOf(receipt, "Requested").requestId as bigint;
    return { requestId, assignee: await assigneeOf(surety, requestId), receipt };
  };

  /** Requests, and has the assignee post what a trace says. */
  const posted = async (trace: CommittedTrace = honest(), options: RequestOptions = {}) => {
    const { requestId, assignee } = await request(options);
    const receipt = await surety.send({
      from: assignee,
      to: surety.oracle,
      call: "post",
      args: [requestId, question, outputOf(model, trace)],
    });
    return { requestId, assertionId: requestId * 256n, poster: assignee, trace, receipt };
  };

  const open = async (
    assertionId: bigint,
    trace: CommittedTrace,
    from: Address = actors(surety).challenger,
    of: Model = model,
    data: Uint8Array = input,
  ) => {
    const receipt = await surety.send({
      from,
      to: surety.game,
      call: "open",
      args: [assertionId, questionFor(of, [data]), outputRootOf(of, trace)],
      valueWei: surety.parameters.challengeBondWei,
    });
    return eventOf(receipt, "GameOpened").gameId as bigint;
  };

  return {
    model,
    input,
    get honest() {
      return honest();
    },
    question,
    get output() {
      return outputOf(model, honest());
    },
    get surety() {
      return surety;
    },
    get actors() {
      return actors(surety);
    },
    /** What a trace's poster posts. */
    outputOf: (trace: CommittedTrace) => outputOf(model, trace),
    feeOf,
    request,
    posted,
    open,
    lie: (...lies: readonly Tamper[]) => runModel(model, [input], ...lies),
    knows: (poster: CommittedTrace, own: CommittedTrace = honest()): ChallengerKnows => ({
      model,
      inputs: [input],
      own,
      poster,
    }),
    /** Plays a game on as far as `until`, or to its end. */
    play: (gameId: bigint, poster: CommittedTrace, posterAddress: Address, own: CommittedTrace = honest()) =>
      play(surety, { model, inputs: [input], own, poster }, { gameId, posterAddress }),
  };
}

export type Scenario = ReturnType<typeof useSurety>;

/** Three instructions of 600 bytes: small trees with padding in both. */
export const smallModel = countingModel(3, 600);
export const smallInput = Uint8Array.from({ length: 600 }, (_, i) => i & 0xff);
