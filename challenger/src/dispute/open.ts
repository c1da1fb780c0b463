import {
  assertionOf,
  isRevert,
  maxCapitalOf,
  type OpenGameParameters,
  openGame,
  type ShowItemParameters,
  showItem,
  simulateCall,
} from "@surety/chain";
import { joinedRoot, proveItem, questionAsked, toHex } from "@surety/engine";
import { type AssertionId, FatalError, itemIdOf, parseHash32, wholeAnswerOf } from "@surety/protocol";
import type { BundleEntry } from "@surety/service";
import type { TransactionReceipt } from "viem";
import type { AssertionSeen } from "../store/store.ts";
import { firstDifference, type PostedItem, postedItems } from "../verify/verify.ts";
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
export async function openDispute(context: DisputeContext, assertion: AssertionSeen): Promise<OpenOutcome> {
  const { chain, addresses, account, send, bundles, thread, reserve } = context;
  const { assertionId, modelId } = assertion;
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
  const disputed = await disputedAnswer(context, assertion, bundle);
  if (disputed === undefined) {
    reserve.release(key);
    return { kind: "changed" };
  }
  const { shown, ...game } = disputed;
  try {
    const call = openGame(addresses, { ...game, bondWei });
    if (context.dryRun) {
      // A game on an item can be opened only once the item is shown: that is what is rehearsed.
      await simulateCall(chain, account, shown === undefined ? call : showItem(addresses, shown));
      reserve.release(key);
      return { kind: "rehearsed", bondWei, gas };
    }
    if (shown !== undefined) await send(showItem(addresses, shown), { deadline: windowEndsAt });
    const receipt = await send(call, { deadline: windowEndsAt });
    // The bond is paid; the moves are still to be.
    reserve.hold(key, { gas, bondWei: 0n });
    return { kind: "opened", receipt };
  } catch (error) {
    reserve.release(key);
    if (
      isRevert(error, "QuestionMismatch", "HashMismatch", "UnknownAssertion", "GameExists") ||
      isRevert(error, "ItemNotProven", "UnknownItem")
    ) {
      return { kind: "changed" };
    }
    if (isRevert(error, "WindowClosed", "AlreadyRefuted")) return { kind: "too-late" };
    throw error;
  }
}

/** Under which the reserve holds what a game of one's own may cost. */
export function gameClaim(assertionId: AssertionId): string {
  return `game on ${wholeAnswerOf(assertionId)}`;
}

/** What a game is opened on: an answer, or the first wrong item of a batch's, which is to be shown first. Undefined when no item is wrong. */
async function disputedAnswer(
  { thread }: DisputeContext,
  assertion: AssertionSeen,
  bundle: BundleEntry,
): Promise<
  | (Pick<OpenGameParameters, "assertionId" | "question" | "outputRoot"> & {
      readonly shown?: ShowItemParameters;
    })
  | undefined
> {
  const { assertionId, input, output, outputForm } = assertion;
  const { header } = bundle;
  const sizes = header.outputs.map(({ bytes }) => bytes);
  const question = questionAsked(bundle, input);
  if (outputForm === "root") return { assertionId, question, outputRoot: parseHash32(toHex(output)) };
  const items = postedItems(assertion, bundle);
  if (items.length === 1) return { assertionId, question, outputRoot: joinedRoot(sizes, output) };
  const wrong = (await firstDifference(thread, items))?.item;
  if (wrong === undefined) return undefined;
  const shown = {
    assertionId,
    item: wrong,
    input: proveItem(header.inputBytes, input, items.length, wrong),
    output: proveItem(sizes, output, items.length, wrong),
  };
  return {
    assertionId: itemIdOf(assertionId, wrong),
    question: questionAsked(bundle, (items[wrong] as PostedItem).subject.input),
    outputRoot: shown.output.root,
    shown,
  };
}
