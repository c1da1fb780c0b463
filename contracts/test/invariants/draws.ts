import { type Address, encodeAbiParameters, type Hex, keccak256 } from "viem";
import { ZERO_ADDRESS } from "../support/surety.ts";

/** What a request draws from: its model's set as it stood, each at a place of its own, less who gave its turn away since. */
export interface Draw {
  readonly requestId: bigint;
  readonly attempt: number;
  readonly block: bigint;
  readonly blockHash: Hex;
  readonly places: (Address | undefined)[];
  /** Who has had a bond free ever since. */
  readonly fit: Set<Address>;
  /** Who has had the highest bond free ever since. */
  readonly ample: Set<Address>;
}

/** What a draw asks about operators now. */
interface Facts {
  readonly isJailed: (operator: Address) => boolean;
  /** Whether the request's bond is free. */
  readonly hasBond: (operator: Address) => boolean;
  /** Whether that bond is the least. */
  readonly isLeast: boolean;
}

/** Draws that a request makes at most, and blocks for which the chain knows a block's hash. */
const MOST_DRAWS = 16;
const HASHED_BLOCKS = 256n;

/** One model's set, and whom its requests draw: docs/protocol.md, "Assignment". */
export class Draws {
  private readonly members: Address[] = [];
  private readonly draws: Draw[] = [];
  /** When the last of the set was moved from a place, remembered for 256 blocks. */
  private readonly movedAt = new Map<number, bigint>();

  join(operator: Address): void {
    this.members.push(operator);
  }

  leave(operator: Address, block: bigint): void {
    const index = this.members.indexOf(operator);
    const lastIndex = this.members.length - 1;
    for (const { places } of this.draws)
      for (const [place, who] of places.entries()) if (who === operator) places[place] = undefined;
    const last = this.members.pop() as Address;
    if (index === lastIndex) return;
    this.members[index] = last;
    const before = this.movedAt.get(lastIndex);
    if (before === undefined || block > before + HASHED_BLOCKS) {
      this.movedAt.set(lastIndex, block);
      return;
    }
    // Moved from this place twice: the second is not remembered.
    for (const { block: opened, places } of this.draws)
      if (opened > before && lastIndex < places.length) places[lastIndex] = undefined;
  }

  open(requestId: bigint, attempt: number, mined: { blockNumber: bigint; blockHash: Hex }): Draw {
    const draw = {
      ...{ requestId, attempt, block: mined.blockNumber, blockHash: mined.blockHash },
      ...{ places: [...this.members], fit: new Set(this.members), ample: new Set(this.members) },
    };
    this.draws.push(draw);
    return draw;
  }

  /** To be told after every action who has the least bond free, and who the highest. */
  look(isFit: (operator: Address) => boolean, isAmple: (operator: Address) => boolean): void {
    for (const { fit, ample } of this.draws) {
      for (const who of fit) if (!isFit(who)) fit.delete(who);
      for (const who of ample) if (!isAmple(who)) ample.delete(who);
    }
  }

  /** Who may answer alone in a block; zero when anyone may. `sure`: it was drawn first, and so from the beginning. */
  assignee(
    draw: Draw,
    block: bigint,
    { isJailed, hasBond, isLeast }: Facts,
  ): { operator: Address; sure: boolean } {
    const { places, blockHash, requestId, attempt, fit, ample } = draw;
    const nobody = { operator: ZERO_ADDRESS, sure: false };
    if (places.length === 0 || block > draw.block + HASHED_BLOCKS) return nobody;
    const words = (...values: (Hex | bigint)[]) =>
      keccak256(
        encodeAbiParameters(
          values.map((value) => ({ type: typeof value === "bigint" ? "uint256" : "bytes32" })),
          values,
        ),
      );
    const seed = words(blockHash, requestId, BigInt(attempt));
    let busy: Address = ZERO_ADDRESS;
    for (let i = 0; i < MOST_DRAWS; i++) {
      const who = places[Number(BigInt(words(seed, BigInt(i))) % BigInt(places.length))];
      if (who === undefined || isJailed(who)) continue;
      if (fit.has(who) && hasBond(who))
        return { operator: who, sure: i === 0 && (isLeast || ample.has(who)) };
      if (busy === ZERO_ADDRESS) busy = who;
    }
    return { operator: busy, sure: false };
  }
}
