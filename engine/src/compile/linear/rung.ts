/**
 * How precisely a linear layer (Conv, Gemm, MatMul) computes; see docs/precision.md.
 *
 * 0: u8 activations, 7-bit weights. 1: u8 activations, 8-bit weights. 2: as many bits of both as keep every sum within 2^24, where f32 kernels are exact.
 * 3: convolutions as on 2, weights in two parts that are convolved with one after the other; all others as on 4. 4: 16-bit activations, 15-bit weights.
 */
export type Rung = 0 | 1 | 2 | 3 | 4;

export const RUNGS: readonly Rung[] = [0, 1, 2, 3, 4];

export const TOP: Rung = 4;

/** For each layer that is not on rung 0, by its node's first output. */
export type Rungs = ReadonlyMap<string, Rung>;

/** The largest magnitude of a weight that is one i8: of 64, u8 x i8 kernels are exact on every CPU (255 * 64 * 2 < 2^15). */
export function int8Limit(rung: Rung): number {
  return rung === 0 ? 64 : 127;
}

/** f32 holds all integers of at most this magnitude. */
export const F32_EXACT = 2 ** 24;
