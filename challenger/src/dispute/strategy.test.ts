import { decodeInstruction, fromHex, leafHash, nodeHash, toHex } from "@surety/engine";
import { type GameView, longestWalk, tensorHeight, traceHeight } from "@surety/protocol";
import type { Hex } from "viem";
import { describe, expect, it } from "vitest";
import { plainRun } from "../testing/plain-run.ts";
import { playWalk } from "../testing/walk.ts";
import { nextMove } from "./strategy.ts";

/** Random numbers that a failing test can repeat. */
function seeded(seed: number) {
  let state = seed >>> 0;
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The root above a hash, by its path. */
function climb(hash: Uint8Array, position: number, proof: readonly Hex[]): Hex {
  const top = proof.map(fromHex).reduce((below, sibling, level) => {
    return Math.floor(position / 2 ** level) % 2 === 0 ? nodeHash(below, sibling) : nodeHash(sibling, below);
  }, hash);
  return toHex(top);
}

function tensorsOf(random: (below: number) => number, count: number, longest: number): Uint8Array[] {
  return Array.from({ length: count }, () => {
    const bytes = 4 * (1 + random(longest / 4));
    return Uint8Array.from({ length: bytes }, () => random(256));
  });
}

/** The poster's tensors: one byte of one tensor changed, and every later tensor different. */
function lieAt(tensors: readonly Uint8Array[], layer: number, at: number): Uint8Array[] {
  return tensors.map((tensor, index) => {
    if (index < layer) return tensor;
    const lie = tensor.slice();
    const byte = index === layer ? at : 0;
    lie[byte] = (lie[byte] ?? 0) ^ 0x40;
    return lie;
  });
}

describe("nextMove", () => {
  it.each([
    [1, 900],
    [1, 40_000],
    [5, 7_000],
    [64, 2_000],
    [65, 2_000],
    [200, 3_000],
    [300, 700],
    [3, 90_000],
  ])(
    "finds the changed element of %i tensors of up to %i bytes and proves every earlier tensor",
    (count, longest) => {
      const random = seeded(count * longest);
      for (let round = 0; round < 4; round += 1) {
        const tensors = tensorsOf(random, count, longest);
        const layer = round === 0 ? count - 1 : random(count);
        const changed = tensors[layer] as Uint8Array;
        const at = random(changed.length);
        const lies = lieAt(tensors, layer, at);
        const poster = plainRun(lies);
        const { last, moves, view, traceRoot } = playWalk(plainRun(tensors), poster, 4);

        if (last.kind !== "step") throw new Error(`The walk ended with ${last.kind}.`);
        expect(view.instruction).toBe(layer);
        expect(last.step.element).toBe(Math.floor(at / 4));
        const limit = longestWalk(traceHeight(count), tensorHeight(changed.length));
        expect(moves.length + 1).toBeLessThanOrEqual(limit.challenger);

        // The leaf belongs to the node in dispute, and each earlier tensor to the poster's trace, though the trees differ on the right.
        const leaf = leafHash(fromHex(last.step.leafBytes));
        const below = last.step.leaf - view.position * 2 ** view.height;
        expect(climb(leaf, below, last.step.leafProof)).toBe(view.node);
        const { operands: sources } = decodeInstruction(fromHex(last.step.instruction), layer);
        for (const [number, operand] of last.step.operands.entries()) {
          const tensor = sources[number]?.index ?? -1;
          expect(climb(fromHex(operand.tensorRoot), tensor, operand.tensorProof)).toBe(traceRoot);
        }
      }
    },
  );

  it("waits when the poster's tree equals its own", () => {
    const tensors = tensorsOf(seeded(7), 9, 3_000);
    expect(playWalk(plainRun(tensors), plainRun(tensors)).last).toEqual({
      kind: "wait",
      why: "nothing-differs",
    });
  });

  it("waits when a reveal is not seen, or is of another tree", () => {
    const tensors = tensorsOf(seeded(8), 9, 3_000);
    const own = plainRun(tensors);
    const poster = plainRun(lieAt(tensors, 4, 0));
    const { view, traceRoot, revealed } = playWalk(own, poster, 4);
    const move = (facts: typeof revealed) => nextMove({ view, traceRoot, revealed: facts, own });
    expect(move([])).toEqual({ kind: "wait", why: "reveal-not-seen" });
    const forged = revealed.map((fact) =>
      fact.kind === "bytes" ? { ...fact, data: fact.data.map((byte) => byte ^ 1) } : fact,
    );
    expect(move(forged)).toEqual({ kind: "wait", why: "reveal-not-seen" });
  });

  it("claims the poster's lost clock but never its own, and takes the bond of a void game back", () => {
    const tensors = tensorsOf(seeded(9), 3, 900);
    const own = plainRun(tensors);
    const { view, traceRoot, revealed } = playWalk(own, plainRun(lieAt(tensors, 1, 3)));
    const move = (change: Partial<GameView>) =>
      nextMove({ view: { ...view, ...change }, traceRoot, revealed, own });
    expect(move({ turn: "poster-timed-out" })).toEqual({ kind: "claimTimeout" });
    expect(move({ turn: "challenger-timed-out" })).toEqual({ kind: "wait", why: "lost-on-time" });
    expect(move({ turn: "poster" })).toEqual({ kind: "wait", why: "poster-to-move" });
    expect(move({ phase: "void", turn: "nobody" })).toEqual({ kind: "closeVoid" });
    expect(move({ phase: "challenger-won", turn: "nobody" })).toEqual({ kind: "wait", why: "over" });
  });
});
