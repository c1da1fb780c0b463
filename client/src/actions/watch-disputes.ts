import type { SuretyAddresses } from "@surety/chain";
import {
  type AssertionId,
  disputeGameAbi,
  type Phase,
  parseAssertionId,
  parsePhase,
  parseRequestId,
  type RequestId,
} from "@surety/protocol";
import type { Address, Client } from "viem";
import { watchContractEvent } from "viem/actions";

/** A dispute of an answer began, found its number, or ended. */
export type DisputeEvent = {
  readonly gameId: bigint;
} & (
  | {
      readonly type: "opened";
      readonly assertionId: AssertionId;
      readonly requestId: RequestId;
      readonly challenger: Address;
    }
  /** The chain recomputed one element; posted and expected are its stored bits. */
  | {
      readonly type: "judged";
      readonly instruction: number;
      readonly element: number;
      readonly posted: bigint;
      readonly expected: bigint;
    }
  | {
      readonly type: "ended";
      readonly assertionId: AssertionId;
      readonly requestId: RequestId;
      readonly outcome: Phase;
    }
);

export interface WatchDisputesParameters {
  readonly onDispute: (event: DisputeEvent) => void;
  readonly onError?: (error: Error) => void;
  /** Default: from now on. */
  readonly fromBlock?: bigint;
}

/**
 * Watches the dispute game.
 *
 * @returns what ends the watching
 */
export function watchDisputes(
  client: Client,
  addresses: SuretyAddresses,
  { onDispute, onError, fromBlock }: WatchDisputesParameters,
): () => void {
  return watchContractEvent(client, {
    address: addresses.game,
    abi: disputeGameAbi,
    strict: true,
    ...(fromBlock === undefined ? {} : { fromBlock }),
    ...(onError === undefined ? {} : { onError }),
    onLogs(logs) {
      for (const { eventName, args } of logs) {
        switch (eventName) {
          case "GameOpened": {
            const { gameId, assertionId, challenger } = args;
            onDispute({ type: "opened", gameId, ...about(assertionId), challenger });
            break;
          }
          case "StepJudged": {
            const { gameId, instruction, element, posted, expected } = args;
            onDispute({ type: "judged", gameId, instruction, element, posted, expected });
            break;
          }
          case "GameEnded": {
            const { gameId, assertionId, outcome } = args;
            onDispute({ type: "ended", gameId, ...about(assertionId), outcome: parsePhase(outcome) });
            break;
          }
        }
      }
    },
  });
}

function about(assertionId: bigint) {
  return { assertionId: parseAssertionId(assertionId), requestId: parseRequestId(assertionId / 256n) };
}
