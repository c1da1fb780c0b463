import { readFileSync, rmSync } from "node:fs";
import { isDevnet } from "@surety/chain";
import { FatalError, type RequestId, UsageError } from "@surety/protocol";
import type { FaultTarget } from "./liar.ts";

/** Which answers a node falsifies, on a devnet. */
export interface FaultPlan {
  /** The lie for a request's answer; undefined to be honest. */
  next(requestId: RequestId): FaultTarget | undefined;
}

/** Lies told from the start. */
export interface StandingFault {
  readonly target: FaultTarget;
  /** Lie in so many answers, then be honest. Default: always lie. */
  readonly requests?: number;
}

/**
 * A lie ordered while the node runs: a file `{"fault": "layer=1,element=3", "requestId": "7"}`, looked at before every answer. Whoever tells the
 * lie removes the file first, so that of several nodes that look at it one lies, once.
 */
export interface OrderedFault {
  readonly file: string;
}

export type FaultOptions = StandingFault | OrderedFault;

/**
 * @param toldLies How many answers contain a lie already; counted by the store, so that a restart does not begin anew.
 * @throws FatalError FAULT_REFUSED on any other chain than a devnet.
 */
export function planFaults(
  options: FaultOptions | undefined,
  chainId: number,
  toldLies: () => number,
): FaultPlan {
  if (options === undefined) return { next: () => undefined };
  if (!isDevnet(chainId)) {
    throw new FatalError(
      "FAULT_REFUSED",
      `Fault injection is for devnets; this is chain ${chainId}. Remove --fault.`,
    );
  }
  if ("file" in options) return { next: (requestId) => takeOrder(options.file, requestId) };
  const most = options.requests ?? Number.POSITIVE_INFINITY;
  return { next: () => (toldLies() < most ? options.target : undefined) };
}

/** The lie that the file orders for this request, or for any if it names none; the file is gone then. */
function takeOrder(file: string, requestId: RequestId): FaultTarget | undefined {
  try {
    const order = JSON.parse(readFileSync(file, "utf8")) as { fault: string; requestId?: string };
    if (order.requestId !== undefined && order.requestId !== String(requestId)) return undefined;
    const target = parseFaultTarget(order.fault);
    rmSync(file);
    return target;
  } catch (error) {
    // No order, or another node was first.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * `layer=I,element=J` or `output`.
 *
 * @throws UsageError OPTION_INVALID
 */
export function parseFaultTarget(text: string): FaultTarget {
  if (text === "output") return "output";
  const match = /^layer=(\d+),element=(\d+)$/.exec(text);
  if (match === null) {
    throw new UsageError(
      "OPTION_INVALID",
      `A fault is "layer=I,element=J" or "output", not ${JSON.stringify(text)}.`,
    );
  }
  return { layer: Number(match[1]), element: Number(match[2]) };
}
