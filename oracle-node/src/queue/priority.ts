/** BullMQ takes priorities from 1, the first, to this one. */
const LAST = 2 ** 21 - 1;
/** 12 days: a deadline stands in an epoch or in the next one. */
const EPOCH_SECONDS = 2 ** 20;

/**
 * BullMQ's priority of a job that is due at a time: a second later is one more. It counts from the beginning of an epoch, so a job that waits when another
 * begins is to be given its priority anew.
 *
 * @param dueSeconds Unix time. What is due before the epoch's beginning comes first, what is due after the next one's end comes last.
 */
export function priorityOf(dueSeconds: number, epoch: number): number {
  return Math.max(1, Math.min(LAST, Math.floor(dueSeconds) - epoch * EPOCH_SECONDS + 1));
}

/** Number of the epoch that a time is in. */
export function epochAt(milliseconds: number): number {
  return Math.floor(milliseconds / 1_000 / EPOCH_SECONDS);
}
