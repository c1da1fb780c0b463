import { isDevnet } from "@surety/chain";
import { FatalError, UsageError } from "@surety/protocol";
import type { FaultTarget } from "./liar.ts";

/** Which answers a node falsifies, on a devnet. */
export interface FaultPlan {
  /** The lie for the next answer; undefined to be honest. */
  next(): FaultTarget | undefined;
}

export interface FaultOptions {
  readonly target: FaultTarget;
  /** Lie in so many answers, then be honest. Default: always lie. */
  readonly requests?: number;
}

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
  const most = options.requests ?? Number.POSITIVE_INFINITY;
  return { next: () => (toldLies() < most ? options.target : undefined) };
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
