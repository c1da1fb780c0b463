import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { encodeTensorProto } from "../onnx/proto.ts";
import { type HostTensor, tensorToProto } from "../onnx/tensor.ts";
import { temporaryDirectory } from "../testing/temporary-directory.ts";
import { type InputSpec, readInputs } from "./readInputs.ts";

const mnist = join(import.meta.dirname, "../../../fixtures/mnist");
const image: InputSpec[] = [{ name: "Input3", dtype: "f32", shape: [1, 1, 28, 28] }];
const pair: InputSpec[] = [
  { name: "a", dtype: "f32", shape: [2] },
  { name: "b", dtype: "i64", shape: [1] },
];
const row: InputSpec[] = [{ name: "x", dtype: "f32", shape: [2, 2] }];
const values: HostTensor = { type: "f32", dims: [2, 2], data: Float32Array.of(1, 2, 3, 4) };

function folder(files: Record<string, string | Uint8Array>): string {
  const path = temporaryDirectory();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, name, ".."), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

function npy(dtype: string, shape: string, data: Uint8Array, order = "False"): Uint8Array {
  const header = `{'descr': '${dtype}', 'fortran_order': ${order}, 'shape': (${shape}), }`
    .padEnd(117)
    .concat("\n");
  return Buffer.concat([
    Buffer.from("\x93NUMPY\x01\x00", "latin1"),
    Buffer.from([header.length, 0]),
    Buffer.from(header),
    data,
  ]);
}

function idx(type: number, dims: number[], data: number[]): Uint8Array {
  const header = dims.flatMap((size) => [0, 0, size >> 8, size & 255]);
  return Uint8Array.from([0, 0, type, dims.length, ...header, ...data]);
}

const floats = (...numbers: number[]) => new Uint8Array(Float32Array.from(numbers).buffer);
const pb = (tensor: HostTensor) => encodeTensorProto(tensorToProto(tensor, "any"));

describe("readInputs", () => {
  test("idx images, gzip: a sample each, cast to the input's dtype and shape", () => {
    const samples = readInputs(join(mnist, "t10k-images-idx3-ubyte.gz"), image);
    expect(samples).toHaveLength(10_000);
    const first = samples[0]?.Input3;
    expect(first?.dims).toEqual([1, 1, 28, 28]);
    // The first test digit, a seven, has its top stroke in row 7.
    const pixels = first?.data as Float32Array;
    expect([...pixels.subarray(7 * 28 + 5, 7 * 28 + 9)]).toEqual([0, 84, 185, 159]);
  });

  test("a TensorProto, a .npy, a plain idx file and JSON of the same tensor", () => {
    const path = folder({
      "x.pb": pb(values),
      "x.npy": npy("<f4", "2, 2", floats(1, 2, 3, 4)),
      "x-idx3-ubyte": idx(8, [1, 2, 2], [1, 2, 3, 4]),
      "z-idx2-ubyte.gz": gzipSync(idx(8, [1, 4], [1, 2, 3, 4])),
      "flat.json": JSON.stringify({ x: { dtype: "float32", shape: [2, 2], data: [1, 2, 3, 4] } }),
      "nested.json": JSON.stringify({
        x: {
          dtype: "f32",
          shape: [2, 2],
          data: [
            [1, 2],
            [3, 4],
          ],
        },
      }),
    });
    for (const name of ["x.pb", "x.npy", "x-idx3-ubyte", "z-idx2-ubyte.gz", "flat.json", "nested.json"]) {
      expect(readInputs(join(path, name), row)).toEqual([{ x: values }]);
    }
  });

  test("dimensions of size 1 may be missing or too many", () => {
    const path = join(folder({ "x.pb": pb({ ...values, dims: [2, 1, 2] }) }), "x.pb");
    expect(readInputs(path, row)).toEqual([{ x: values }]);
  });

  test("a directory with input_0.pb is one sample of several inputs", () => {
    const b: HostTensor = { type: "i64", dims: [1], data: BigInt64Array.of(7n) };
    const a: HostTensor = { type: "f32", dims: [2], data: Float32Array.of(1, 2) };
    const path = folder({ "input_0.pb": pb(a), "input_1.pb": pb(b), "output_0.pb": pb(a) });
    expect(readInputs(path, pair)).toEqual([{ a, b }]);
    const named = folder({ "a.npy": npy("<f4", "2,", floats(1, 2)), "b.pb": pb(b) });
    expect(readInputs(named, pair)).toEqual([{ a, b }]);
  });

  test("any other directory is all samples inside, numbers in order, labels and other files passed over", () => {
    const other: HostTensor = { ...values, data: Float32Array.of(5, 6, 7, 8) };
    const path = folder({
      "s10/input_0.pb": pb(other),
      "s9/input_0.pb": pb(values),
      "t-labels-idx1-ubyte": idx(8, [1], [3]),
      "README.md": "not a sample",
    });
    expect(readInputs(path, row)).toEqual([{ x: values }, { x: other }]);
    expect(readInputs(join(mnist, "test_data_set_0"), image)).toHaveLength(1);
    const all = temporaryDirectory();
    cpSync(mnist, all, { recursive: true });
    expect(readInputs(all, image)).toHaveLength(11_003);
  });

  const bad: [string, string, string | Uint8Array, InputSpec[], string][] = [
    ["another shape", "x.pb", pb({ ...values, dims: [4] }), row, "INPUT_SHAPE"],
    ["another dtype", "x.npy", npy("<f8", "2, 2", new Uint8Array(32)), row, "INPUT_DTYPE"],
    [
      "items of another size",
      "x-idx3-ubyte",
      idx(8, [1, 3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]),
      row,
      "INPUT_SHAPE",
    ],
    ["a .npy cut short", "x.npy", npy("<f4", "2, 2", floats(1)), row, "INPUT_MALFORMED"],
    ["a .npy of complex numbers", "x.npy", npy("<c8", "2, 2", new Uint8Array(32)), row, "INPUT_DTYPE"],
    ["a .npy in Fortran order", "x.npy", npy("<f4", "2, 2", floats(1, 2, 3, 4), "True"), row, "INPUT_DTYPE"],
    ["a huge declared .npy", "x.npy", npy("<f4", "99999999999, 9", floats(1)), row, "ONNX_SHAPE"],
    ["an idx file cut short", "x-idx3-ubyte", idx(8, [9, 2, 2], [1]), row, "INPUT_MALFORMED"],
    ["a damaged gzip file", "x-idx3-ubyte.gz", Uint8Array.of(0x1f, 0x8b, 1, 2, 3), row, "INPUT_MALFORMED"],
    ["a .pb that is none", "x.pb", Buffer.from("nonsense"), row, "ONNX_MALFORMED"],
    ["no known format", "x.png", Buffer.from("nonsense"), row, "INPUT_MALFORMED"],
    ["JSON that is none", "x.json", "{", row, "INPUT_MALFORMED"],
    ["JSON without a dtype", "x.json", '{"x": {"shape": [1], "data": [1]}}', row, "INPUT_DTYPE"],
    [
      "JSON of text",
      "x.json",
      '{"x": {"dtype": "f32", "shape": [1], "data": ["1"]}}',
      row,
      "INPUT_MALFORMED",
    ],
    [
      "JSON with too few numbers",
      "x.json",
      '{"x": {"dtype": "f32", "shape": [2, 2], "data": [1]}}',
      row,
      "INPUT_MALFORMED",
    ],
    [
      "JSON of another input",
      "x.json",
      '{"z": {"dtype": "f32", "shape": [1], "data": [1]}}',
      row,
      "INPUT_NAME",
    ],
    ["JSON without an input", "x.json", "{}", row, "INPUT_NAME"],
    ["an empty list", "x.json", "[]", row, "INPUT_EMPTY"],
    ["an idx file of no items", "x-idx3-ubyte", idx(8, [0, 2, 2], []), row, "INPUT_EMPTY"],
    ["one file for two inputs", "x.pb", pb(values), pair, "INPUT_NAME"],
  ];
  test.each(bad)("refuses %s", (_, name, content, specs, code) => {
    const path = join(folder({ [name]: content }), name);
    expect(() => readInputs(path, specs)).toThrow(expect.objectContaining({ code }));
  });

  test("refuses what is not there, and a directory without samples", () => {
    expect(() => readInputs("/nowhere/at/all", row)).toThrow(
      expect.objectContaining({ code: "INPUT_MISSING" }),
    );
    expect(() => readInputs(folder({ "README.md": "" }), row)).toThrow(
      expect.objectContaining({ code: "INPUT_EMPTY" }),
    );
    expect(() => readInputs(folder({ "input_0.pb": pb(values) }), pair)).toThrow(
      expect.objectContaining({ code: "INPUT_NAME" }),
    );
  });

  test("an aligned copy is made of what is read from Buffers", () => {
    const bytes = readFileSync(join(mnist, "test_data_set_0/input_0.pb"));
    const path = folder({ "x.pb": bytes });
    const [sample] = readInputs(join(path, "x.pb"), image);
    expect(sample?.Input3?.data.byteOffset).toBe(0);
  });
});
