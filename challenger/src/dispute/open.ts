import { assertionOf, isRevert, maxCapitalOf, openGame, simulateCall } from "@surety/chain";
import { joinedRoot, questionAsked, toHex } from "@surety/engine";
import { type AssertionId, FatalError, parseHash32 } from "@surety/protocol";
import type { TransactionReceipt } from "viem";
import type { AssertionSeen } from "../store/store.ts";
import type { DisputeContext } from "./context.ts";
import type { Taken } from "./reserve.ts";

export type OpenOutcome =
  | { readonly kind: "opened"; readonly receipt: TransactionReceipt }
  /** A dry run: the chain would have taken it. */
  | { readonly kind: "rehearsed"; readonly bondWei: bigint; readonly gas: bigint }
  /** The window is over, or another game has refuted it already. */
  | { readonly kind: "too-late" }
  /** The assertion's number stands for something else than what was checked: a reorg that is not seen here yet. */
  | { readonly kind: "changed" }
  /** The reserve rule: a challenger that cannot pay for the last move loses its bond with the first. */
  | Extract<Taken, { readonly kind: "short" }>;

/**
 * Opens a game on a wrong assertion, if it can still be disputed and the account can pay for it to its end, besides what is under way.
 *
 * @throws FatalError MODEL_MISSING
 */
export async function openDispute(
  context: DisputeContext,
  { assertionId, modelId, input, output, outputForm }: AssertionSeen,
): Promise<OpenOutcome> {
  const { chain, addresses, account, send, bundles, thread, reserve } = context;
  const bundle = bundles.find(modelId);
  if (bundle === undefined) {
    throw new FatalError(
      "MODEL_MISSING",
      `Assertion ${assertionId} cannot be disputed: there is no bundle of model ${modelId}. Put it back.`,
    );
  }
  const { refuted, finalised, windowEndsAt } = await assertionOf(chain, addresses, assertionId);
  const { timestamp } = await chain.client.getBlock();
  if (refuted || finalised || timestamp >= windowEndsAt) return { kind: "too-late" };

  const { largestTensorBytes } = await thread.ask<"open">({ kind: "open", bundleDir: bundle.dir });
  const { challenger } = await maxCapitalOf(
    ...([chain, addresses, assertionId, bundle.header, largestTensorBytes] as const),
  );
  const { bondWei, gas } = challenger;
  const key = gameClaim(assertionId);
  const taken = await reserve.take(key, { gas, bondWei });
  if (taken.kind === "short") return taken;

  // INVARIANT: a game disputes what was checked, from the bytes that were checked, whatever the chain says by now.
  const question = questionAsked(bundle, input);
  const sizes = bundle.header.outputs.map(({ bytes }) => bytes);
  const outputRoot = outputForm === "root" ? parseHash32(toHex(output)) : joinedRoot(sizes, output);
  try {
    const call = openGame(addresses, { assertionId, question, outputRoot, bondWei });
    if (context.dryRun) {
      await simulateCall(chain, account, call);
      reserve.release(key);
      return { kind: "rehearsed", bondWei, gas };
    }
    const receipt = await send(call, { deadline: windowEndsAt });
    // The bond is paid; the moves are still to be.
    reserve.hold(key, { gas, bondWei: 0n });
    return { kind: "opened", receipt };
  } catch (error) {
    reserve.release(key);
    if (isRevert(error, "QuestionMismatch", "HashMismatch", "UnknownAssertion", "GameExists")) {
      return { kind: "changed" };
    }
    if (isRevert(error, "WindowClosed", "AlreadyRefuted")) return { kind: "too-late" };
    throw error;
  }
}

/** Under which the reserve holds what a game of one's own may cost. */
export function gameClaim(assertionId: AssertionId): string {
  return `game on ${assertionId}`;
}
