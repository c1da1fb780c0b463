import { requestOf, type SuretyAddresses } from "@surety/chain";
import { FatalError, type RequestId, suretyOracleAbi } from "@surety/protocol";
import { type Address, type Client, hexToBytes } from "viem";
import { getContractEvents } from "viem/actions";
import { asChain } from "../as-chain.ts";

export interface WaitForResultParameters {
  readonly requestId: RequestId;
  /** Default: 600,000. */
  readonly timeoutMs?: number;
  /** Where to look for the answer from. Default: the chain's first block. */
  readonly fromBlock?: bigint;
  /** Told of every answer when it is posted; it is provisional until the promise resolves. */
  readonly onPosted?: (answer: PostedAnswer) => void;
}

export interface PostedAnswer {
  readonly poster: Address;
  /** All output tensors in the model's order, one after the other: little-endian, row-major. */
  readonly output: Uint8Array;
  /** Answers refuted before this one. */
  readonly attempt: number;
}

const TIMEOUT_MS = 600_000;

/**
 * Waits for a request's final answer.
 *
 * @throws FatalError REQUEST_UNANSWERED when it was refunded or the time is over, RESULT_BY_REFERENCE when the chain has only the output's root
 */
export async function waitForResult(
  client: Client,
  addresses: SuretyAddresses,
  parameters: WaitForResultParameters,
): Promise<PostedAnswer> {
  const { requestId, timeoutMs = TIMEOUT_MS, fromBlock = 0n, onPosted } = parameters;
  const chain = await asChain(client);
  const giveUpAt = Date.now() + timeoutMs;
  const told = new Set<string>();
  while (Date.now() < giveUpAt) {
    const { status, attempt } = await requestOf(chain, addresses, requestId);
    if (status === "refunded") {
      throw new FatalError(
        "REQUEST_UNANSWERED",
        `Request ${requestId} was refunded: nobody answered it in time.`,
      );
    }
    if (status === "asserted" || status === "final") {
      const logs = await getContractEvents(client, {
        address: addresses.oracle,
        abi: suretyOracleAbi,
        eventName: "Posted",
        args: { requestId },
        fromBlock,
        strict: true,
      });
      const posted = logs.find(({ args }) => args.assertionId === requestId * 256n + BigInt(attempt));
      if (posted) {
        const answer = { poster: posted.args.poster, output: hexToBytes(posted.args.output), attempt };
        if (!told.has(posted.transactionHash)) onPosted?.(answer);
        told.add(posted.transactionHash);
        if (status === "final") return answer;
      } else if (status === "final") {
        throw new FatalError(
          "RESULT_BY_REFERENCE",
          `Request ${requestId} is final, but its output is not on the chain: get the bytes where its poster says and check them against resultOf.`,
        );
      }
    }
    await new Promise((resolve) => setTimeout(resolve, chain.pollMs));
  }
  throw new FatalError(
    "REQUEST_UNANSWERED",
    `Request ${requestId} has no final answer after ${timeoutMs / 1_000} s.`,
  );
}
