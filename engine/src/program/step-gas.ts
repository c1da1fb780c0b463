import type { Dtype, Opcode } from "./instruction.ts";

// What parts of a step cost on the chain, rounded up from `contracts/snapshots/referee-gas.json`, where each is measured. `step-gas.test.ts` in
// test/conformance holds the sums against whole calls of the referee.

/** Of one operation at its dearest values. */
export const OPERATION_GAS: Readonly<Record<Opcode, number>> = {
  acc: 400,
  load: 2_200,
  int: 400,
  float: 400,
  inside: 800,
  loadat: 3_200,
  iadd: 550,
  isub: 550,
  imul: 600,
  imax: 700,
  imin: 700,
  idiv: 800,
  imod: 800,
  ilt: 750,
  ieq: 750,
  ladd: 600,
  lsub: 600,
  lmul: 650,
  tofloat: 1_200,
  fadd: 1_800,
  fsub: 1_800,
  fmul: 1_600,
  fdiv: 1_800,
  fsqrt: 2_600,
  ffloor: 1_500,
  fceil: 1_500,
  fround: 1_500,
  fmax: 1_000,
  fmin: 1_000,
  flt: 1_000,
  feq: 1_000,
  fabs: 800,
  toint: 1_100,
  quantise_u8: 1_200,
  quantise_i8: 1_200,
  select: 450,
};

/** How the elements of a run lie: word by word, within adjacent leaves, or each in a leaf of its own. */
export type Layout = "contiguous" | "strided" | "scattered";
type ElementGas = Readonly<Record<Layout, number>>;

const BYTE_SUM: ElementGas = { contiguous: 4, strided: 90, scattered: 900 };
const BYTE_EXTREMUM: ElementGas = { contiguous: 110, strided: 110, scattered: 900 };
const WORD_EXTREMUM: ElementGas = { contiguous: 50, strided: 250, scattered: 1_100 };
const LONG_EXTREMUM: ElementGas = { contiguous: 250, strided: 250, scattered: 1_100 };
const FLOAT_EXTREMUM: ElementGas = { contiguous: 85, strided: 330, scattered: 1_200 };

export const DOT_GAS: ElementGas = { contiguous: 12, strided: 170, scattered: 1_600 };
export const SUM_GAS: Readonly<Record<Exclude<Dtype, "f32">, ElementGas>> = {
  u8: BYTE_SUM,
  i8: BYTE_SUM,
  i32: { contiguous: 15, strided: 240, scattered: 1_100 },
  i64: { contiguous: 30, strided: 240, scattered: 1_100 },
};
/** Of a maximum or minimum. */
export const EXTREMUM_GAS: Readonly<Record<Dtype, ElementGas>> = {
  u8: BYTE_EXTREMUM,
  i8: BYTE_EXTREMUM,
  i32: WORD_EXTREMUM,
  i64: LONG_EXTREMUM,
  f32: FLOAT_EXTREMUM,
};

/** Of a run of elements over the innermost dims, aside from its elements. */
export const RUN_GAS = { dot: 4_800, other: 3_600 } as const;
/** Of each bound in each run. */
export const RUN_BOUND_GAS = 1_000;

/** Of looking at an operand for the first time, and what each of its bounds adds, per form and per dim of it. */
export const FORM_GAS = 4_000;
export const BOUND_GAS = 1_100;
export const DIM_GAS = 120;

/** Of a leaf: its hash, and that of a node on its way to the root. */
export const LEAF_GAS = 500;
export const NODE_GAS = 350;

/** Of a transaction and of what the referee does for any step: decoding, roots, the result. */
export const STEP_GAS = 70_000;
/**
 * Of what the dispute game does around the referee in the transaction that wins it: the game's state, the slash and the reward (115,000 where
 * test/models/tampers.test.ts plays), and the request's opening again for the last of 16 operators (about 5,000 each).
 */
export const GAME_GAS = 215_000;
/** Of a byte of calldata, and at the floor below which EIP-7623 lets no transaction's calldata stay, whatever it executes. */
export const CALLDATA_GAS = { standard: 16, floor: 40 } as const;
/** Calldata of a step aside from leaves and proofs: the call itself, and per operand its encoding and its place in the witness. */
export const STEP_BYTES = 1_200;
export const OPERAND_BYTES = 600;
