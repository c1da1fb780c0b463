/** All positions of a kernel, the last dimension fastest. */
export function tapsOf(kernel: readonly number[]): number[][] {
  let taps: number[][] = [[]];
  for (const size of kernel)
    taps = taps.flatMap((tap) => Array.from({ length: size }, (_, at) => [...tap, at]));
  return taps;
}
