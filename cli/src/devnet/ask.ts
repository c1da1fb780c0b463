import { setTimeout as sleep } from "node:timers/promises";
import {
  assigneeOf,
  type Chain,
  contractCall,
  decodeLogs,
  findLog,
  type SuretyAddresses,
  type TransactionManager,
} from "@surety/chain";
import { digitReaderAbi, FatalError, parseRequestId, type RequestId } from "@surety/protocol";
import { type Address, bytesToHex } from "viem";

/** Where to ask, and who does. */
export interface DigitConsumer {
  readonly chain: Chain;
  readonly deployment: SuretyAddresses & { readonly fromBlock: bigint };
  /** A `DigitReader`. */
  readonly reader: Address;
  readonly transactions: { readonly consumer: TransactionManager };
}

/** A digit the consumer contract asked about. */
export interface Asked {
  readonly requestId: RequestId;
  readonly assignee: Address;
  readonly gas: number;
}

const DEADLINE_SECONDS = 3_600;

/** Has the example consumer ask for the class of an image. */
export async function ask(world: DigitConsumer, image: Uint8Array): Promise<Asked> {
  const { chain, deployment, reader, transactions } = world;
  const feeWei = await chain.client.readContract({
    address: reader,
    abi: digitReaderAbi,
    functionName: "feeWei",
  });
  const { timestamp } = await chain.client.getBlock();
  const receipt = await transactions.consumer.send(
    contractCall(
      "reader",
      reader,
      digitReaderAbi,
      "readDigit",
      [bytesToHex(image), Number(timestamp) + DEADLINE_SECONDS],
      feeWei,
    ),
  );
  const requested = findLog(decodeLogs(deployment, receipt.logs), "oracle", "Requested");
  if (requested === undefined) throw new FatalError("REQUEST_LOST", "The consumer's request left no event.");
  const requestId = parseRequestId(requested.args.requestId);
  const assignee = await assigneeOf(chain, deployment, requestId);
  if (assignee === undefined) throw new FatalError("REQUEST_LOST", "The request was assigned to nobody.");
  return { requestId, assignee, gas: Number(receipt.gasUsed) };
}

/**
 * Waits until the consumer's callback has stored the digit.
 *
 * @throws FatalError DIGIT_OVERDUE
 */
export async function digitOf(
  world: DigitConsumer,
  requestId: RequestId,
  timeoutMs = 90_000,
): Promise<number> {
  const { chain, reader } = world;
  const giveUpAt = performance.now() + timeoutMs;
  while (performance.now() < giveUpAt) {
    const logs = await chain.client.getContractEvents({
      address: reader,
      abi: digitReaderAbi,
      eventName: "DigitRead",
      args: { requestId },
      fromBlock: world.deployment.fromBlock,
    });
    const digit = logs[0]?.args.digit;
    if (digit !== undefined) return digit;
    await sleep(chain.pollMs);
  }
  throw new FatalError(
    "DIGIT_OVERDUE",
    `Request ${requestId} had no final answer after ${timeoutMs / 1000} s.`,
  );
}
