import { compileModel, evaluateProgram, type HostTensor, openModel, tensorFromBytes } from "@surety/engine";
import { describe, expect, test } from "vitest";
import { inputsToBytes } from "../../../engine/src/run/session.ts";
import { type BackendCase, backendFolder, calibrationOf, caseNames, readCase } from "./cases.ts";
import { REFUSALS } from "./refusals.ts";
import { toleranceOf, WRAPPED_GOLDENS } from "./tolerances.ts";

const folder = backendFolder();

describe.skipIf(folder === undefined)(
  `the ONNX backend node tests${folder === undefined ? ": ABSENT, name their folder in SURETY_ONNX_BACKEND" : ""}`,
  () => {
    const names = folder === undefined ? [] : caseNames(folder);

    test.each(names)("%s", async (name) => {
      const refusal = REFUSALS[name];
      const outcome = await attempt(() => runCase(readCase(folder as string, name)));
      if (refusal === undefined) {
        if (outcome !== undefined) throw outcome;
        return;
      }
      expect(outcome, `${name} is listed as refused and passes: take it off the list`).toBeDefined();
      expect(`${(outcome as { code?: string }).code}: ${outcome?.message}`).toContain(refusal);
    });

    test("no refusal is listed of a case that does not exist", () => {
      expect(Object.keys(REFUSALS).filter((name) => !names.includes(name))).toEqual([]);
    });
  },
);

async function attempt(run: () => Promise<void>): Promise<Error | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Compiles the case; onnxruntime and the program must give the same bytes, and both the golden outputs within the tolerance. */
async function runCase(given: BackendCase): Promise<void> {
  const { model, options, inputs, outputs, op } = given;
  const bundle = await compileModel({ model, ...options, calibration: calibrationOf(given) });
  const session = await openModel(bundle, { intraOpNumThreads: 1 });
  try {
    const trace = evaluateProgram(bundle, Buffer.concat(inputsToBytes(bundle, inputs)));
    const traced = await session.trace(inputs);
    for (const [index, { name }] of bundle.manifest.instructions.entries()) {
      expect([name, hex(traced.tensorBytes(index))]).toEqual([name, hex(trace.tensorBytes(index))]);
    }
    traced.close();
    for (const [index, bytes] of (await session.run(inputs)).entries()) {
      expect(hex(bytes)).toBe(hex(trace.tensorBytes(bundle.header.outputs[index]?.instruction ?? -1)));
      const { name, dtype, shape } = bundle.manifest.outputs[
        index
      ] as (typeof bundle.manifest.outputs)[number];
      const golden = outputs[name] as HostTensor;
      expect([dtype, shape]).toEqual([golden.type, golden.dims]);
      const actual = tensorFromBytes(dtype, shape, bytes);
      const isWrapped = WRAPPED_GOLDENS.has(given.name);
      requireClose(actual, isWrapped ? saturatedWhere(actual, golden) : golden, op);
    }
    trace.close();
  } finally {
    await session.release();
  }
}

function requireClose(actual: HostTensor, golden: HostTensor, op: string): void {
  const { cosine, share } = toleranceOf(op, golden.type);
  if (share === 0) {
    // Equal as numbers: a golden -0 may be +0.
    const plain = (tensor: HostTensor) =>
      Array.from(tensor.data as Float32Array, (value) => (value === 0 ? 0 : value));
    expect(plain(actual)).toEqual(plain(golden));
    return;
  }
  const a = actual.data as Float32Array;
  const b = golden.data as Float32Array;
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const worst = b.reduce((most, value, k) => Math.max(most, Math.abs(value - (a[k] as number))), 0);
  expect(worst / (largest || 1), "largest error by the largest magnitude").toBeLessThanOrEqual(share);
  const dot = (x: Float32Array, y: Float32Array) =>
    x.reduce((sum, value, k) => sum + value * (y[k] as number), 0);
  if (largest > 0) expect(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))).toBeGreaterThanOrEqual(cosine - 1e-7);
}

/** A golden output of int8 with the ends of the range where the result is at one: what wraps around is put right. */
function saturatedWhere(actual: HostTensor, golden: HostTensor): HostTensor {
  const data = (golden.data as Int8Array).map((value, k) => {
    const result = actual.data[k] as number;
    return result === 127 || result === -128 ? result : value;
  });
  return { ...golden, data };
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}
