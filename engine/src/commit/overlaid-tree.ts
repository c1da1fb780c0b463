import { FatalError } from "@surety/protocol";
import { equalHashes, nodeHash } from "./hashes.ts";
import type { NodeSource } from "./merkle-tree.ts";

/**
 * Somebody else's tree as far as it is known: what it has revealed, and one's own tree where nothing was revealed.
 *
 * A challenger needs it to prove operands against the poster's trace root: left of the disputed tensor both trees agree, and the
 * siblings to the right were revealed on the way down.
 */
export class OverlaidTree implements NodeSource {
  readonly height: number;
  readonly #own: NodeSource;
  readonly #revealed = new Map<string, Uint8Array>();

  constructor(own: NodeSource, root: Uint8Array) {
    this.height = own.height;
    this.#own = own;
    this.#revealed.set(`${own.height}/0`, root);
  }

  /**
   * Takes in the descendants `log2(hashes.length)` levels below a node, and the nodes between.
   *
   * @throws FatalError REVEAL_WRONG when they do not hash up to what the node is known to be.
   */
  reveal(height: number, index: number, hashes: readonly Uint8Array[]): void {
    const levels = Math.log2(hashes.length);
    const found = new Map<string, Uint8Array>();
    let level = hashes;
    for (let up = 0; ; up++) {
      for (const [i, hash] of level.entries())
        found.set(`${height - levels + up}/${index * level.length + i}`, hash);
      if (level.length <= 1) break;
      level = Array.from({ length: level.length / 2 }, (_, i) =>
        nodeHash(level[2 * i] as Uint8Array, level[2 * i + 1] as Uint8Array),
      );
    }
    const top = level[0];
    if (!Number.isInteger(levels) || top === undefined || !equalHashes(top, this.node(height, index))) {
      throw new FatalError(
        "REVEAL_WRONG",
        `${hashes.length} hashes revealed below node ${index} at height ${height} do not hash up to it.`,
      );
    }
    for (const [place, hash] of found) this.#revealed.set(place, hash);
  }

  node(height: number, index: number): Uint8Array {
    return this.#revealed.get(`${height}/${index}`) ?? this.#own.node(height, index);
  }
}
