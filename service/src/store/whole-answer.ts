/**
 * SQL for the id of the answer that an item of a batch belongs to, or that is meant itself: the lower 56 bits (`wholeAnswerOf`). Such ids have less than 63 bits,
 * so that SQLite's integers hold them.
 *
 * @param column Decimal text.
 */
export function wholeAnswer(column: string): string {
  return `CAST(CAST(${column} AS INTEGER) & ${(1n << 56n) - 1n} AS TEXT)`;
}
