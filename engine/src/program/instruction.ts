/**
 * The instruction of the exact profile (docs/exact-profile.md, sections 1 to 3): what the chain can referee.
 */

/** Element types, with the wire codes of section 1. */
export const DTYPES = {
  u8: { code: 1, bytes: 1 },
  i8: { code: 2, bytes: 1 },
  i32: { code: 3, bytes: 4 },
  i64: { code: 4, bytes: 8 },
  f32: { code: 5, bytes: 4 },
} as const;
export type Dtype = keyof typeof DTYPES;

/** Reductions, with the wire codes of section 3. */
export const ACCUMULATORS = { none: 0, dot: 1, sum: 2, max: 3, min: 4 } as const;
export type Accumulate = keyof typeof ACCUMULATORS;
/** How many operands, from the first on, a reduction runs over. */
export const ACCUMULATED_OPERANDS: Readonly<Record<Accumulate, number>> = {
  none: 0,
  dot: 2,
  sum: 1,
  max: 1,
  min: 1,
};

/** Where an operand lives. */
export const SPACES = { trace: 0, weight: 1, input: 2 } as const;
export type Space = keyof typeof SPACES;

/** Operations of an expression, with the wire codes of section 2. */
export const OPCODES = {
  acc: 0x01,
  load: 0x02,
  int: 0x03,
  float: 0x04,
  inside: 0x05,
  loadat: 0x06,
  iadd: 0x10,
  isub: 0x11,
  imul: 0x12,
  imax: 0x13,
  imin: 0x14,
  idiv: 0x15,
  imod: 0x16,
  ilt: 0x17,
  ieq: 0x18,
  ladd: 0x19,
  lsub: 0x1a,
  lmul: 0x1b,
  tofloat: 0x20,
  fadd: 0x21,
  fsub: 0x22,
  fmul: 0x23,
  fdiv: 0x24,
  fsqrt: 0x25,
  ffloor: 0x26,
  fceil: 0x27,
  fround: 0x28,
  fmax: 0x29,
  fmin: 0x2a,
  flt: 0x2b,
  feq: 0x2c,
  fabs: 0x2d,
  toint: 0x2e,
  quantise_u8: 0x30,
  quantise_i8: 0x31,
  select: 0x32,
} as const;
export type Opcode = keyof typeof OPCODES;

/** A linear form over the output position o and the reduction position r. */
export interface AffineForm {
  readonly offset: number;
  /** One coefficient per output dimension. */
  readonly out: readonly number[];
  /** One coefficient per reduction dimension. */
  readonly reduce: readonly number[];
}

/** Satisfied when 0 <= form(o, r) < limit; an unsatisfied bound is padding. */
export interface Bound extends AffineForm {
  readonly limit: number;
}

export interface Operand {
  readonly space: Space;
  readonly dtype: Dtype;
  /** trace: instruction number; weight: weight tensor number; input: model input number. */
  readonly index: number;
  /** Elements in the whole tensor read from. */
  readonly elements: number;
  /** Flat element index of (o, r). */
  readonly map: AffineForm;
  /** At most four. */
  readonly bounds: readonly Bound[];
}

/**
 * One operation; `a` and `b` name earlier values (for `load`, `inside` and `loadat`, `a` is an operand), `imm` is an int32 (for `float`,
 * the bits; for `select`, an earlier value).
 */
export interface Operation {
  readonly code: Opcode;
  readonly a: number;
  readonly b: number;
  readonly imm: number;
}

export interface Instruction {
  readonly accumulate: Accumulate;
  readonly outDtype: Dtype;
  /** Row-major dims of the tensor as it is committed. */
  readonly outDims: readonly number[];
  readonly reduceDims: readonly number[];
  /** Subtracted from operand 0 (dot, sum). */
  readonly aZero: number;
  /** Subtracted from operand 1 (dot). */
  readonly bZero: number;
  readonly operands: readonly Operand[];
  readonly expression: readonly Operation[];
}
