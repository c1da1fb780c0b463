import type { RequestView } from "@surety/chain";
import { type Address, isAddressEqual } from "viem";

export type ServeDecision =
  | "serve"
  /** Someone else has the exclusive right for now. */
  | "wait"
  /** Answered, over, or too late. */
  | "leave";

/**
 * Whether an operator should answer a request now.
 *
 * @param assignee Who has the exclusive right; undefined when nobody has.
 * @param nowSeconds The chain's time.
 */
export function decideServing(
  view: RequestView,
  assignee: Address | undefined,
  operator: Address,
  nowSeconds: number,
): ServeDecision {
  if (view.status !== "open" || nowSeconds > view.deadline) return "leave";
  if (assignee === undefined || isAddressEqual(assignee, operator)) return "serve";
  return nowSeconds > view.exclusiveUntil ? "serve" : "wait";
}
