import { CommittedTrace, toHex, verifyMultiproof } from "@surety/engine";
import { type GameView, parseAssertionId, parseHash32, tensorHeight, traceHeight } from "@surety/protocol";
import { hexToBytes } from "viem";
import { describe, expect, it } from "vitest";
import { nextDefence } from "./strategy.ts";

/** 100 tensors, the 70th of 100,000 bytes. */
const tensors = Array.from({ length: 100 }, (_, i) =>
  Uint8Array.from({ length: i === 70 ? 100_000 : 10 + i }, (_, byte) => (byte * 7 + i) & 0xff),
);
const trace = new CommittedTrace(tensors);
const outputs = [99, 50];
const zero = parseHash32(`0x${"0".repeat(64)}`);

function view(changes: Partial<GameView>): GameView {
  return {
    assertionId: parseAssertionId(256),
    challenger: "0x00000000000000000000000000000000000000c1",
    phase: "trace",
    turn: "poster",
    turnEndsAt: 0,
    posterSecondsLeft: 60,
    challengerSecondsLeft: 60,
    node: zero,
    height: 0,
    position: 0,
    instruction: 0,
    instructionHash: zero,
    tensorBytes: 0,
    elementBytes: 0,
    bondWei: 1n,
    ...changes,
  };
}

describe("nextDefence", () => {
  it("commits the trace with a proof of the outputs and the nodes below its root", () => {
    const move = nextDefence(view({ phase: "commit" }), trace, outputs);
    if (move.kind !== "commitTrace") throw new Error(move.kind);
    expect(move.traceRoot).toBe(toHex(trace.root));
    expect(move.outputRoots).toEqual(outputs.map((i) => toHex(trace.tensorRoot(i))));
    expect(move.children).toHaveLength(2 ** 6);
    const proven = verifyMultiproof({
      root: trace.root,
      height: traceHeight(100),
      indices: [50, 99],
      leaves: [50, 99].map((i) => trace.tensorRoot(i)),
      proof: move.outputProof.map((hash) => hexToBytes(hash)),
    });
    expect(proven).toBe(true);
  });

  it("reveals the last level of the trace below a picked node", () => {
    const node = parseHash32(toHex(trace.tree.node(1, 35)));
    const move = nextDefence(view({ node, height: 1, position: 35 }), trace, outputs);
    expect(move).toEqual({
      kind: "reveal",
      node,
      children: [toHex(trace.tensorRoot(70)), toHex(trace.tensorRoot(71))],
    });
  });

  it("reveals nodes, then bytes inside a tensor", () => {
    const inTensor = { phase: "tensor", instruction: 70, tensorBytes: 100_000, elementBytes: 1 } as const;
    const height = tensorHeight(100_000);
    const tree = trace.tensorTree(70);
    const top = nextDefence(
      view({ ...inTensor, node: parseHash32(toHex(tree.root)), height }),
      trace,
      outputs,
    );
    if (top.kind !== "reveal") throw new Error(top.kind);
    expect(top.children).toHaveLength(2 ** 6);
    const last = Math.floor(99_999 / 1024);
    const node = parseHash32(toHex(tree.node(2, last)));
    const bytes = nextDefence(view({ ...inTensor, node, height: 2, position: last }), trace, outputs);
    expect(bytes).toEqual({ kind: "revealBytes", node, data: tensors[70]?.slice(last * 1024) });
  });

  it("waits when it is not its turn and claims a challenger's timeout", () => {
    expect(nextDefence(view({ turn: "challenger", height: 3 }), trace, outputs)).toEqual({
      kind: "wait",
      why: "challenger-to-move",
    });
    expect(nextDefence(view({ turn: "poster-timed-out" }), trace, outputs)).toEqual({
      kind: "wait",
      why: "lost-on-time",
    });
    expect(nextDefence(view({ turn: "challenger-timed-out" }), trace, outputs)).toEqual({
      kind: "claimTimeout",
    });
    expect(nextDefence(view({ phase: "void", turn: "nobody" }), trace, outputs)).toEqual({
      kind: "wait",
      why: "over",
    });
  });

  it("refuses to open a node that is not its own", () => {
    expect(() => nextDefence(view({ height: 1, position: 35 }), trace, outputs)).toThrow(/this run has/);
  });
});
