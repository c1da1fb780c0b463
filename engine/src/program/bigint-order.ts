/** The larger of two. */
export function larger(x: bigint, y: bigint): bigint {
  return x > y ? x : y;
}

/** The smaller of two. */
export function smaller(x: bigint, y: bigint): bigint {
  return x < y ? x : y;
}
