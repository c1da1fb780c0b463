import { describe, expect, it } from "vitest";
import {
  byteSpan,
  childPlaces,
  isPadding,
  longestWalk,
  nextMove,
  parseGameView,
  parsePhase,
  parseTurn,
  revealLevels,
  stageOf,
  tensorHeight,
  traceHeight,
} from "./index.ts";

const live = (phase: "commit" | "trace" | "tensor", height: number, turn: "poster" | "challenger") =>
  nextMove({ phase, height, turn });

describe("heights", () => {
  it("are ceil(log2) of the leaves", () => {
    expect([1, 2, 3, 4, 5, 1 << 20].map(traceHeight)).toEqual([0, 1, 2, 2, 3, 20]);
    expect([1, 256, 257, 512, 513, 6272, 2 ** 32 - 1].map(tensorHeight)).toEqual([0, 0, 1, 1, 2, 5, 24]);
  });

  it("revealLevels shows at most six levels and stops at the bytes", () => {
    expect([0, 3, 6, 7, 20].map((height) => revealLevels("trace", height))).toEqual([0, 3, 6, 6, 6]);
    expect([0, 2, 3, 8, 9, 24].map((height) => revealLevels("tensor", height))).toEqual([0, 0, 1, 6, 6, 6]);
  });
});

describe("places", () => {
  it("childPlaces of a node are the ones a reveal shows", () => {
    expect(childPlaces("tensor", { height: 4, position: 3 })).toEqual([
      { height: 2, position: 12 },
      { height: 2, position: 13 },
      { height: 2, position: 14 },
      { height: 2, position: 15 },
    ]);
    expect(childPlaces("tensor", { height: 2, position: 0 })).toEqual([]);
    expect(childPlaces("trace", { height: 2, position: 0 })).toHaveLength(4);
  });

  it("isPadding and byteSpan end where the tensor does", () => {
    expect(isPadding({ height: 2, position: 1 }, 5)).toBe(false);
    expect(isPadding({ height: 2, position: 2 }, 5)).toBe(true);
    expect(byteSpan({ height: 2, position: 1 }, 1100)).toEqual({ first: 1024, end: 1100 });
    expect(byteSpan({ height: 2, position: 9 }, 1100)).toEqual({ first: 1100, end: 1100 });
  });
});

describe("nextMove", () => {
  it("walks trace, tensor and bytes with one side to move at a time", () => {
    expect(live("commit", 0, "poster")).toEqual({ by: "poster", kind: "commitTrace" });
    expect(live("trace", 9, "challenger")).toEqual({ by: "challenger", kind: "select" });
    expect(live("trace", 3, "poster")).toEqual({ by: "poster", kind: "reveal" });
    expect(live("trace", 3, "challenger")).toEqual({ by: "challenger", kind: "selectTensor" });
    expect(live("trace", 0, "challenger")).toEqual({ by: "challenger", kind: "selectTensor" });
    expect(live("tensor", 5, "poster")).toEqual({ by: "poster", kind: "reveal" });
    expect(live("tensor", 5, "challenger")).toEqual({ by: "challenger", kind: "select" });
    expect(live("tensor", 2, "poster")).toEqual({ by: "poster", kind: "revealBytes" });
    expect(live("tensor", 0, "challenger")).toEqual({ by: "challenger", kind: "step" });
  });

  it("leaves only claimTimeout once a clock has run out, and nothing once a game is won", () => {
    for (const turn of ["poster-timed-out", "challenger-timed-out"] as const) {
      for (const phase of ["commit", "trace", "tensor"] as const) {
        expect(nextMove({ phase, height: 4, turn })).toEqual({ by: "anyone", kind: "claimTimeout" });
      }
    }
    expect(nextMove({ phase: "void", height: 0, turn: "nobody" })).toEqual({
      by: "anyone",
      kind: "closeVoid",
    });
    for (const phase of ["none", "challenger-won", "poster-won"] as const) {
      expect(nextMove({ phase, height: 0, turn: "nobody" })).toBeUndefined();
    }
  });

  it("every height has exactly one stage", () => {
    for (let height = 0; height <= 24; height += 1) {
      expect(["nodes", "tensors"]).toContain(stageOf("trace", height));
      expect(["nodes", "bytes"]).toContain(stageOf("tensor", height));
    }
  });
});

describe("longestWalk", () => {
  it("counts the moves of each side", () => {
    // open, selectTensor, step against commitTrace, revealBytes
    expect(longestWalk(0, 0)).toEqual({ challenger: 3, poster: 2 });
    // A small classifier: one reveal inside the tensor.
    expect(longestWalk(3, 5)).toEqual({ challenger: 4, poster: 3 });
    // 155 instructions, 400 kB tensors.
    expect(longestWalk(8, 11)).toEqual({ challenger: 6, poster: 5 });
  });
});

describe("parseGameView", () => {
  it("names the contract's enums and refuses numbers it does not know", () => {
    expect([0, 1, 2, 3, 4, 5, 6].map(parsePhase)).toEqual([
      "none",
      "commit",
      "trace",
      "tensor",
      "challenger-won",
      "poster-won",
      "void",
    ]);
    expect(parseTurn(3)).toBe("poster-timed-out");
    expect(() => parsePhase(7)).toThrow(/phase 7/);
    const zero = `0x${"0".repeat(64)}` as const;
    const view = parseGameView({
      assertionId: 256n,
      challenger: "0x00000000000000000000000000000000000000aa",
      phase: 2,
      turn: 2,
      turnEndsAt: 1,
      posterSecondsLeft: 1,
      challengerSecondsLeft: 1,
      node: zero,
      height: 3,
      position: 0,
      instruction: 0,
      instructionHash: zero,
      tensorBytes: 0,
      elementBytes: 0,
      bondWei: 1n,
    });
    expect(nextMove(view)).toEqual({ by: "challenger", kind: "selectTensor" });
  });
});
