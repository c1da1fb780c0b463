import { decodeLogs, type SuretyLog } from "@surety/chain";
import { joinedRoot } from "@surety/engine";
import {
  type AssertionId,
  type GameId,
  type Hash32,
  type Phase,
  parseAssertionId,
  parseGameId,
  parsePhase,
  parseRequestId,
  questionOf,
  type RequestId,
} from "@surety/protocol";
import { type Address, type Hex, hexToBytes } from "viem";
import { contractEntries } from "../../../chain/src/addresses.ts";
import type { StageSet } from "../stage/stage.ts";

export interface SeenAssertion {
  readonly assertionId: AssertionId;
  readonly requestId: RequestId;
  readonly poster: Address;
  readonly outputRoot: Hex;
  state: "open" | "refuted" | "final";
}

export interface SeenRequest {
  readonly requestId: RequestId;
  readonly question: Hash32;
  isFinal: boolean;
  readonly assertions: SeenAssertion[];
}

export interface SeenGame {
  readonly gameId: GameId;
  readonly assertionId: AssertionId;
  readonly challenger: Address;
  /** How it ended; undefined while it lives. */
  outcome: Phase | undefined;
}

/** What happened on the chain since a block, by its events. */
export interface Observation {
  readonly head: bigint;
  readonly logs: readonly SuretyLog[];
  readonly requests: readonly SeenRequest[];
  readonly games: readonly SeenGame[];
}

export async function observe(stage: StageSet, fromBlock: bigint): Promise<Observation> {
  const { direct, addresses, bundle } = stage;
  const head = await direct.client.getBlockNumber();
  const address = contractEntries(addresses).map(([, at]) => at);
  const logs = decodeLogs(addresses, await direct.client.getLogs({ address, fromBlock, toBlock: head }));
  const requests = new Map<bigint, SeenRequest>();
  const assertions = new Map<bigint, SeenAssertion>();
  const games = new Map<bigint, SeenGame>();
  const outputSizes = bundle.header.outputs.map(({ bytes }) => bytes);

  for (const log of logs) {
    if (log.eventName === "Requested") {
      const { requestId, input } = log.args;
      const question = questionOf(bundle.modelId, joinedRoot(bundle.header.inputBytes, hexToBytes(input)));
      const id = parseRequestId(requestId);
      requests.set(requestId, { requestId: id, question, isFinal: false, assertions: [] });
    } else if (log.eventName === "Posted") {
      const { assertionId, requestId, poster, output } = log.args;
      const assertion: SeenAssertion = {
        assertionId: parseAssertionId(assertionId),
        requestId: parseRequestId(requestId),
        poster,
        outputRoot: joinedRoot(outputSizes, hexToBytes(output)),
        state: "open",
      };
      assertions.set(assertionId, assertion);
      requests.get(requestId)?.assertions.push(assertion);
    } else if (log.eventName === "Finalised") {
      const request = requests.get(log.args.requestId);
      const assertion = assertions.get(log.args.assertionId);
      if (request !== undefined) request.isFinal = true;
      if (assertion !== undefined) assertion.state = "final";
    } else if (log.eventName === "Refuted") {
      const assertion = assertions.get(log.args.assertionId);
      if (assertion !== undefined) assertion.state = "refuted";
    } else if (log.eventName === "GameOpened") {
      const { gameId, assertionId, challenger } = log.args;
      const game = { gameId: parseGameId(gameId), assertionId: parseAssertionId(assertionId), challenger };
      games.set(gameId, { ...game, outcome: undefined });
    } else if (log.eventName === "GameEnded") {
      const game = games.get(log.args.gameId);
      if (game !== undefined) game.outcome = parsePhase(log.args.outcome);
    }
  }
  return { head, logs, requests: [...requests.values()], games: [...games.values()] };
}
