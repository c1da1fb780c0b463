import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { temporaryDirectory } from "../testing/temporary-directory.ts";
import { CommittedTrace } from "./committed-tensors.ts";
import { TensorFile } from "./tensor-file.ts";

afterEach(() => vi.unstubAllEnvs());

const tensors = [300, 1, 70_000, 256].map((size, number) =>
  Uint8Array.from({ length: size }, (_, i) => (i * 31 + number) & 0xff),
);

function filled(): TensorFile {
  const file = new TensorFile(tensors.map(({ length }) => length));
  // Not in order, and one of them twice.
  file.write(2, new Uint8Array(70_000));
  for (const index of [3, 0, 2, 1]) file.write(index, tensors[index] as Uint8Array);
  return file;
}

describe("TensorFile", () => {
  it("gives back what was written, in any order", () => {
    const file = filled();
    for (const index of [1, 2, 0, 3, 2]) expect(file.tensorBytes(index)).toEqual(tensors[index]);
    file.close();
  });

  it("is committed to as the same tensors in memory are", () => {
    const [onDisk, inMemory] = [new CommittedTrace(filled()), new CommittedTrace(tensors)];
    expect(onDisk.root).toEqual(inMemory.root);
    expect(onDisk.tensorTree(2).node(1, 7)).toEqual(inMemory.tensorTree(2).node(1, 7));
    onDisk.close();
  });

  it("leaves no name in the directory, and nothing when it is closed", () => {
    const directory = temporaryDirectory();
    vi.stubEnv("TMPDIR", directory);
    const file = filled();
    expect(readdirSync(directory)).toEqual([]);
    file.close();
    file.close();
    expect(() => file.tensorBytes(0)).toThrow(expect.objectContaining({ code: "TRACE_FILE" }));
  });

  it("names what is wrong with a tensor or with the directory", () => {
    const file = new TensorFile([4]);
    expect(() => file.write(0, new Uint8Array(5))).toThrow(
      expect.objectContaining({ code: "TENSOR_WRONG_SIZE" }),
    );
    for (const index of [1, -1, 0.5]) {
      expect(() => file.tensorBytes(index)).toThrow(expect.objectContaining({ code: "TENSOR_OUT_OF_RANGE" }));
    }
    vi.stubEnv("TMPDIR", join(tmpdir(), "surety-there-is-no-such-directory"));
    expect(() => file.write(0, new Uint8Array(4))).toThrow(expect.objectContaining({ code: "TRACE_FILE" }));
  });
});
