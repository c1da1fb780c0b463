import { renameSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { openChain, requestCount, requestOf } from "@surety/chain";
import { loadBundle, outputElements } from "@surety/engine";
import { FatalError, parseRequestId, type RequestId } from "@surety/protocol";
import type { DevnetFile } from "./devnet-file.ts";
import { type DisputeReport, reportDispute } from "./dispute-report.ts";

export interface FaultOrder {
  /** The request to be answered wrong. Default: the next. */
  readonly requestId?: RequestId;
  /** Instruction whose tensor gets the wrong element. */
  readonly layer: number;
  /** Default: in the middle of the tensor. */
  readonly element?: number;
}

/**
 * Orders the devnet's nodes to lie about a request: whichever is asked does, once.
 *
 * @returns the request that will be answered wrong
 * @throws FatalError FAULT_OUT_OF_RANGE, REQUEST_ANSWERED
 */
export async function orderFault(devnet: DevnetFile, order: FaultOrder): Promise<RequestId> {
  const chain = await openChain({ rpcUrl: devnet.rpcUrl });
  const requestId = order.requestId ?? parseRequestId((await requestCount(chain, devnet.addresses)) + 1n);
  const { status } = await requestOf(chain, devnet.addresses, requestId);
  if (status !== "none" && status !== "open") {
    throw new FatalError(
      "REQUEST_ANSWERED",
      `Request ${requestId} is ${status} already. Leave --request out to lie about the next one.`,
    );
  }
  const { instructions } = await loadBundle(devnet.bundle);
  const instruction = instructions[order.layer];
  if (instruction === undefined) {
    throw new FatalError("FAULT_OUT_OF_RANGE", `The model has the layers 0 to ${instructions.length - 1}.`);
  }
  const elements = outputElements(instruction);
  const element = order.element ?? Math.floor(elements / 2);
  if (element >= elements) {
    throw new FatalError("FAULT_OUT_OF_RANGE", `Layer ${order.layer} has the elements 0 to ${elements - 1}.`);
  }
  // Whole or not at all: a node may look at any time.
  const draft = `${devnet.faultFile}.draft`;
  writeFileSync(
    draft,
    JSON.stringify({ fault: `layer=${order.layer},element=${element}`, requestId: String(requestId) }),
  );
  renameSync(draft, devnet.faultFile);
  return requestId;
}

/**
 * Waits until a disputed request has its second, final answer.
 *
 * @throws FatalError FAULT_NOT_SEEN
 */
export async function watchFault(
  devnet: DevnetFile,
  requestId: RequestId,
  timeoutMs: number,
): Promise<DisputeReport> {
  const chain = await openChain({ rpcUrl: devnet.rpcUrl });
  const fromBlock = await chain.client.getBlockNumber();
  const giveUpAt = performance.now() + timeoutMs;
  while (performance.now() < giveUpAt) {
    const { status, attempt } = await requestOf(chain, devnet.addresses, requestId);
    if (status === "final") {
      if (attempt === 0) break;
      const names = new Map(Object.entries(devnet.names));
      return reportDispute({ chain, addresses: devnet.addresses, fromBlock, names });
    }
    await sleep(chain.pollMs);
  }
  throw new FatalError(
    "FAULT_NOT_SEEN",
    `Request ${requestId} was not disputed and answered again within ${timeoutMs / 1_000} s.`,
  );
}
