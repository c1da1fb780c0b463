import { assertionOf, currentFees, isRevert, openGame } from "@surety/chain";
import { joinedRoot, questionAsked, toHex } from "@surety/engine";
import { FatalError, longestWalk, parseHash32 } from "@surety/protocol";
import type { TransactionReceipt } from "viem";
import type { AssertionSeen } from "../store/store.ts";
import type { DisputeContext } from "./context.ts";

/** Gas that a move is reckoned with: the step, the largest, stays below a million. */
const GAS_PER_MOVE = 1_000_000n;
/** Levels of the largest trees a program may have: a game is opened only if even its longest walk can be paid for. */
const HIGHEST_TRACE = 20;
const HIGHEST_TENSOR = 24;

export type OpenOutcome =
  | { readonly kind: "opened"; readonly receipt: TransactionReceipt }
  /** The window is over, or another game has refuted it already. */
  | { readonly kind: "too-late" }
  /** The assertion's number stands for something else than what was checked: a reorg that is not seen here yet. */
  | { readonly kind: "changed" }
  /** The reserve rule: a challenger that cannot pay for the last move loses its bond with the first. */
  | { readonly kind: "cannot-afford"; readonly balanceWei: bigint; readonly neededWei: bigint };

/**
 * Opens a game on a wrong assertion, if it can still be disputed and the account can pay for the game to its end.
 *
 * @param bondWei The game contract's challenge bond.
 * @throws FatalError MODEL_MISSING
 */
export async function openDispute(
  context: DisputeContext,
  { assertionId, modelId, input, output, outputForm }: AssertionSeen,
  bondWei: bigint,
  maxFeePerGasCapWei: bigint,
): Promise<OpenOutcome> {
  const { chain, addresses, account, send, bundles } = context;
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

  const { maxFeePerGas } = await currentFees(chain, maxFeePerGasCapWei);
  const moves = BigInt(longestWalk(HIGHEST_TRACE, HIGHEST_TENSOR).challenger);
  const neededWei = bondWei + moves * GAS_PER_MOVE * maxFeePerGas;
  const balanceWei = await chain.client.getBalance({ address: account });
  if (balanceWei < neededWei) return { kind: "cannot-afford", balanceWei, neededWei };

  // INVARIANT: a game disputes what was checked, from the bytes that were checked, whatever the chain says by now.
  const question = questionAsked(bundle, input);
  const sizes = bundle.header.outputs.map(({ bytes }) => bytes);
  const outputRoot = outputForm === "root" ? parseHash32(toHex(output)) : joinedRoot(sizes, output);
  try {
    const call = openGame(addresses, { assertionId, question, outputRoot, bondWei });
    const receipt = await send(call, { deadline: windowEndsAt });
    return { kind: "opened", receipt };
  } catch (error) {
    if (isRevert(error, "QuestionMismatch", "HashMismatch", "UnknownAssertion", "GameExists")) {
      return { kind: "changed" };
    }
    if (isRevert(error, "WindowClosed", "AlreadyRefuted")) return { kind: "too-late" };
    throw error;
  }
}
