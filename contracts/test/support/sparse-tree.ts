import { leafHash, type NodeSource, nodeHash, zeroHash } from "@surety/engine";
import { hexToBytes, keccak256, stringToBytes } from "viem";

/**
 * A tree of which only some leaves are known; all other nodes are arbitrary hashes, as they may be in a liar's tree. So the largest trees there can
 * be are walked without being computed. Beyond the last leaf there are zeros.
 */
export class SparseTree implements NodeSource {
  readonly height: number;
  private readonly count: number;
  private readonly leaves: ReadonlyMap<number, Uint8Array>;
  private readonly salt: string;
  private readonly shown: readonly number[];
  private readonly cache = new Map<string, Uint8Array>();

  /**
   * @param leaves Hashes by their places below `count`.
   * @param shown Heights whose nodes are revealed below a node that leads to a known leaf, in increasing order: what lies between hashes up.
   */
  constructor(
    count: number,
    leaves: ReadonlyMap<number, Uint8Array>,
    salt: string,
    shown: readonly number[] = [],
  ) {
    this.count = count;
    this.height = Math.ceil(Math.log2(count));
    this.leaves = leaves;
    this.salt = salt;
    this.shown = shown;
  }

  get root(): Uint8Array {
    return this.node(this.height, 0);
  }

  node(height: number, index: number): Uint8Array {
    const key = `${height}/${index}`;
    const known = this.cache.get(key);
    if (known !== undefined) return known;
    const hash = this.make(height, index);
    this.cache.set(key, hash);
    return hash;
  }

  private make(height: number, index: number): Uint8Array {
    if (index * 2 ** height >= this.count) return zeroHash();
    if (!this.leads(height, index) && !this.isBetween(height, index))
      return hexToBytes(keccak256(stringToBytes(`${this.salt} ${height}/${index}`)));
    if (height === 0) return this.leaves.get(index) as Uint8Array;
    return nodeHash(this.node(height - 1, 2 * index), this.node(height - 1, 2 * index + 1));
  }

  private leads(height: number, index: number): boolean {
    return [...this.leaves.keys()].some((leaf) => Math.floor(leaf / 2 ** height) === index);
  }

  /** Whether a node lies between a leading one and those that are revealed below it. */
  private isBetween(height: number, index: number): boolean {
    const above = this.shown.find((shown) => shown > height);
    if (above === undefined || this.shown.includes(height)) return false;
    return this.leads(above, Math.floor(index / 2 ** (above - height)));
  }

  /** Siblings of a node on its way up so many levels. */
  pathUp(height: number, index: number, levels: number): Uint8Array[] {
    return Array.from({ length: levels }, (_, up) => this.node(height + up, Math.floor(index / 2 ** up) ^ 1));
  }
}

export { leafHash };
