import { HASH_BYTES, LEAF, LEAF_BYTES, NODE } from "../hashes.ts";
import {
  add,
  type Code,
  call,
  doWhile,
  type Func,
  get,
  I32,
  int,
  lessThan,
  set,
  tee,
  V128,
  vector,
  wasmModule,
} from "./wasm-code.ts";

/**
 * keccak256 of two messages at once, as WebAssembly: the two 64-bit lanes of a vector belong to one message each. The states stand in memory, not
 * in locals: 25 of them do not fit 16 registers, and what a compiler spills by itself costs more (measured in bench/).
 *
 * The permutation is keccak-f[1600] of FIPS 202, section 3, with the padding of the first Keccak (0x01), as Ethereum has it.
 */

const LANES = 25;
const RATE_LANES = 17;
const ROUNDS = 24;
/** Rounds written out: an even number, since each goes from one of two states to the other. More of them leave the instruction cache. */
const ROUNDS_A_TURN = 2;

const STATES = [0, LANES * 16] as const;
const CONSTANTS = 2 * LANES * 16;
/** Below are states and constants, from here on the memory is the caller's. */
export const SCRATCH_BYTES = 1024;

/** The constants of FIPS 202, section 3.2.5: bits of a linear-feedback shift register. */
function roundConstants(): BigUint64Array {
  let register = 1;
  return BigUint64Array.from({ length: ROUNDS }, () => {
    let constant = 0n;
    for (let j = 0n; j < 7n; j++) {
      if (register & 1) constant |= 1n << ((1n << j) - 1n);
      register = (register << 1) ^ ((register >> 7) * 0x171);
    }
    return constant;
  });
}

/** Rotations of FIPS 202, section 3.2.2, by lane number x + 5 y. */
function rotations(): number[] {
  const bits: number[] = Array(LANES).fill(0);
  let [x, y] = [1, 0];
  for (let t = 0; t < 24; t++) {
    bits[x + 5 * y] = (((t + 1) * (t + 2)) / 2) % 64;
    [x, y] = [y, (2 * x + 3 * y) % 5];
  }
  return bits;
}

const ROTATIONS = rotations();
const FIVE = [0, 1, 2, 3, 4] as const;

// Locals of the permutation: the address of the round's constant, five rows of vectors, one that is used up at once.
const CONSTANT = 0;
const SPARE = 1;
const lanesFrom = (first: number) => (x: number) => first + (x % 5);
const B = lanesFrom(2);
const C = lanesFrom(7);
const D = lanesFrom(12);

function rotate(value: Code, bits: number): Code {
  if (bits === 0) return value;
  const left = vector.shiftLeft([...value, ...tee(SPARE)], bits);
  return vector.or(left, vector.shiftRight(get(SPARE), 64 - bits));
}

const lane = (state: number, number: number): Code => vector.load(int(0), state + number * 16);

/** The parities of the state's columns, into C. */
function columnParities(state: number): Code {
  return FIVE.flatMap((x) => [
    ...FIVE.slice(1).reduce((sum: Code, y) => vector.xor(sum, lane(state, x + 5 * y)), lane(state, x)),
    ...set(C(x)),
  ]);
}

/** One round from a state to another; C holds the column parities of the first, and afterwards those of the second. */
function round(from: number, to: number, number: number): Code {
  const theta = FIVE.flatMap((x) => [...vector.xor(get(C(x + 4)), rotate(get(C(x + 1)), 1)), ...set(D(x))]);
  const rows = FIVE.flatMap((y) => {
    const rhoPi = FIVE.flatMap((x) => {
      const column = (x + 3 * y) % 5;
      const source = column + 5 * x;
      const mixed = vector.xor(lane(from, source), get(D(column)));
      return [...rotate(mixed, ROTATIONS[source] as number), ...set(B(x))];
    });
    const chi = FIVE.flatMap((x) => {
      let value = vector.xor(vector.andNot(get(B(x + 2)), get(B(x + 1))), get(B(x)));
      if (x === 0 && y === 0) value = vector.xor(value, vector.loadBoth(get(CONSTANT), number * 8));
      const parity =
        y === 0 ? tee(C(x)) : [...tee(SPARE), ...vector.xor(get(C(x)), get(SPARE)), ...set(C(x))];
      return vector.store(int(0), to + (x + 5 * y) * 16, [...value, ...parity]);
    });
    return [...rhoPi, ...chi];
  });
  return [...theta, ...rows];
}

const PERMUTE: Func = {
  parameters: 0,
  locals: [
    { type: I32, count: 1 },
    { type: V128, count: 16 },
  ],
  body: [
    ...int(CONSTANTS),
    ...set(CONSTANT),
    ...columnParities(STATES[0]),
    ...doWhile(
      Array.from({ length: ROUNDS_A_TURN }, (_, number) =>
        round(STATES[number % 2] as number, STATES[(number + 1) % 2] as number, number),
      ).flat(),
      lessThan(
        [...add(get(CONSTANT), int(ROUNDS_A_TURN * 8)), ...tee(CONSTANT)],
        int(CONSTANTS + ROUNDS * 8),
      ),
    ),
  ],
};

/**
 * keccak256(prefix | bytes) for messages of `length` bytes that stand one after the other: (address, address of the hashes, end of the messages).
 * Two at a time: a last one without a partner is hashed with whatever follows it, and two hashes are written.
 *
 * @param length A multiple of 8, so that the padding begins in the message's last lane.
 */
function hashMessages(exportAs: string, prefix: number, length: number): Func {
  const [input, output, end, hash] = [0, 1, 2, 3];
  const word = (offset: number) => vector.loadTwo(get(input), offset, offset + length);
  /** The prefix shifts all by a byte: a lane is seven bytes of one word and one of the next. */
  const messageLane = (number: number): Code => {
    if (number === 0) return vector.or(vector.shiftLeft(word(0), 8), vector.constant(BigInt(prefix)));
    if (number * 8 < length) return word(number * 8 - 1);
    return vector.or(vector.shiftRight(word(length - 8), 56), vector.constant(0x0100n));
  };
  const lanes = length / 8 + 1;
  const blocks = Math.ceil(lanes / RATE_LANES);
  const absorb = (block: number): Code =>
    Array.from({ length: LANES }, (_, number) => {
      const position = block * RATE_LANES + number;
      const parts: Code[] = block === 0 ? [] : [lane(STATES[0], number)];
      if (number < RATE_LANES && position < lanes) parts.push(messageLane(position));
      if (number === RATE_LANES - 1 && block === blocks - 1) parts.push(vector.constant(0x80n << 56n));
      const value = parts.length === 0 ? vector.constant(0n) : parts.reduce(vector.xor);
      return vector.store(int(0), STATES[0] + number * 16, value);
    }).flat();
  const squeeze = Array.from({ length: HASH_BYTES / 8 }, (_, number) => [
    ...lane(STATES[0], number),
    ...set(hash),
    ...vector.storeTwo(get(output), number * 8, number * 8 + HASH_BYTES, hash),
  ]).flat();
  return {
    parameters: 3,
    locals: [{ type: V128, count: 1 }],
    exportAs,
    body: doWhile(
      [
        ...Array.from({ length: blocks }, (_, block) => [...absorb(block), ...call(0)]).flat(),
        ...squeeze,
        ...add(get(output), int(2 * HASH_BYTES)),
        ...set(output),
      ],
      lessThan([...add(get(input), int(2 * length)), ...tee(input)], get(end)),
    ),
  };
}

export interface KeccakExports {
  readonly memory: WebAssembly.Memory;
  /** Hashes of 256-byte leaves, into `hashes`: addresses; the leaves end at `end`. */
  leaves(leaves: number, hashes: number, end: number): void;
  /** Hashes of pairs of hashes, into `hashes`. */
  nodes(pairs: number, hashes: number, end: number): void;
}

function keccakModule(memoryBytes: number): Uint8Array<ArrayBuffer> {
  const funcs = [
    PERMUTE,
    hashMessages("leaves", LEAF, LEAF_BYTES),
    hashMessages("nodes", NODE, 2 * HASH_BYTES),
  ];
  return wasmModule(funcs, Math.ceil(memoryBytes / 65_536));
}

/** An instance of the module with a memory of its own, of at least so many bytes. */
export function instantiateKeccak(memoryBytes: number): KeccakExports {
  const module = new WebAssembly.Module(keccakModule(memoryBytes));
  const keccak = new WebAssembly.Instance(module).exports as unknown as KeccakExports;
  new BigUint64Array(keccak.memory.buffer).set(roundConstants(), CONSTANTS / 8);
  return keccak;
}
