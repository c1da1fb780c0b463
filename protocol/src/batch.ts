import { type AssertionId, parseAssertionId, parseRequestId, type RequestId } from "./ids.ts";

/** Most inputs of one request; equals the contracts' `MAX_BATCH_ITEMS`. */
export const MAX_BATCH_ITEMS = 64;

/** Numbers of answers: attempt (8 bits), request (48 bits), item counted from 1 (8 bits, 0 is the whole); contracts/src/libraries/Batch.sol draws it. */
const ITEM_SHIFT = 56n;
const WHOLE_MASK = (1n << ITEM_SHIFT) - 1n;

/** The id of a request's answer number `attempt`. */
export function assertionIdOf(requestId: RequestId, attempt: number): AssertionId {
  return parseAssertionId(requestId * 256n + BigInt(attempt));
}

/** The request that an answer, or an item of it, is about. */
export function requestIdOf(assertionId: AssertionId): RequestId {
  return parseRequestId((assertionId & WHOLE_MASK) / 256n);
}

/** The answer that an item, or an answer itself, belongs to. */
export function wholeAnswerOf(assertionId: AssertionId): AssertionId {
  return parseAssertionId(assertionId & WHOLE_MASK);
}

/** The number by which an item of a batch's answer is disputed. @param item Counted from 0. */
export function itemIdOf(assertionId: AssertionId, item: number): AssertionId {
  return parseAssertionId(assertionId | (BigInt(item + 1) << ITEM_SHIFT));
}

/** Which item of a batch, counted from 0; undefined for a whole answer. */
export function itemOf(assertionId: AssertionId): number | undefined {
  const number = Number(assertionId >> ITEM_SHIFT);
  return number === 0 ? undefined : number - 1;
}

/** The bytes of one item of all items' bytes, which are equally many. */
export function itemBytes(all: Uint8Array, itemCount: number, item: number): Uint8Array {
  const size = all.length / itemCount;
  return all.subarray(item * size, (item + 1) * size);
}
