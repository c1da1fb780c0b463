import { evaluateRun } from "@surety/challenger/dispute";
import { assembleBundle, type Bundle, CommittedTrace, type Instruction, type Operand } from "@surety/engine";
import { longestWalk, tensorHeight, traceHeight } from "@surety/protocol";
import { describe, expect, it } from "vitest";
import { playToEnd } from "./play-to-end.ts";
import { totalsOf } from "./result.ts";
import { openScene } from "./scene.ts";

const LAYERS = 200;
const BYTES = 131_072;

/** A program with a trace and tensors so large that both trees take two reveals: each layer adds an earlier and a much earlier one. */
function deepBundle(): Bundle {
  const from = (index: number): Operand => ({
    space: "trace",
    dtype: "u8",
    index,
    elements: BYTES,
    map: { offset: 0, out: [1], reduce: [] },
    bounds: [],
  });
  const common = {
    accumulate: "none",
    outDtype: "u8",
    outDims: [BYTES],
    reduceDims: [],
    aZero: 0,
    bZero: 0,
  } as const;
  const first: Instruction = {
    ...common,
    operands: [
      {
        space: "input",
        dtype: "f32",
        index: 0,
        elements: 1,
        map: { offset: 0, out: [0], reduce: [] },
        bounds: [],
      },
    ],
    expression: [
      { code: "load", a: 0, b: 0, imm: 0 },
      { code: "int", a: 0, b: 0, imm: 0 },
      { code: "quantise_u8", a: 0, b: 1, imm: 0 },
    ],
  };
  const sum = (index: number): Instruction => ({
    ...common,
    operands: [from(index - 1), from(Math.floor(index / 2))],
    expression: [
      { code: "load", a: 0, b: 0, imm: 0 },
      { code: "load", a: 1, b: 0, imm: 0 },
      { code: "iadd", a: 0, b: 1, imm: 0 },
    ],
  });
  const instructions = Array.from({ length: LAYERS }, (_, index) => (index === 0 ? first : sum(index)));
  return assembleBundle({
    graph: new Uint8Array(),
    instructions,
    weights: [],
    inputs: [{ name: "x", dtype: "f32", shape: [1] }],
    outputs: [{ name: "y", dtype: "u8", shape: [BYTES], instruction: LAYERS - 1 }],
    facts: {
      onnxruntime: "none",
      source: { sha256: "", bytes: 0 },
      calibration: { samples: 0, sha256: "" },
      accuracy: { samples: 0, cosineMean: 1, cosineMin: 1, outputs: [] },
      precision: { rungs: {} },
      opCounts: {},
      instructions: [],
      weights: [],
    },
  });
}

describe("playToEnd", () => {
  it("walks two reveals in the trace and two in the tensor, and proves its operands against the poster's tree", async () => {
    const bundle = deepBundle();
    const input = new Uint8Array(new Float32Array([3]).buffer);
    const own = evaluateRun(bundle, input);
    for (const layer of [1, 77, 130, 199]) {
      const lie = bundle.instructions.map((_, index) => {
        const tensor = own.trace.tensorBytes(index).slice();
        if (index >= layer) tensor[index === layer ? 70_001 : 5] = 99;
        return tensor;
      });
      const posted = new CommittedTrace(lie);
      const scene = await openScene({ bundle, input });
      try {
        const played = await playToEnd({ scene, bundle, own, posted, lyingChallenger: false });
        expect(played).toMatchObject({ winner: "challenger", layer, element: 70_001, posted: 99n });
        const totals = totalsOf(played.transcript);
        expect(totals.movesBySide).toEqual(longestWalk(traceHeight(LAYERS), tensorHeight(BYTES)));
        expect(totals.gas.total).toBeLessThan(2_500_000);
      } finally {
        await scene.evm.close();
      }
    }
  });
});
