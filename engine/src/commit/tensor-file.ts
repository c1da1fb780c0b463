import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FatalError } from "@surety/protocol";
import { requireTensor, type TensorList } from "./tensor-list.ts";

type Move = (file: number, bytes: Uint8Array, at: number, length: number, position: number) => number;

/** Files of lists that nobody closed and nobody has any more. */
const forgotten = new FinalizationRegistry(closeSync);

/**
 * A run's tensors in a temporary file, so that of a large model never more is in memory than is being computed or looked at. The file has no name from
 * the start: it is gone when the list is closed or the process ends, however it ends. TMPDIR says where.
 *
 * @example
 * const trace = new TensorFile(instructions.map(outputBytes));
 * trace.write(0, bytes);
 * trace.tensorBytes(0); // a copy
 * trace.close();
 */
export class TensorFile implements TensorList {
  readonly count: number;
  readonly #sizes: readonly number[];
  readonly #offsets: readonly number[];
  #file: number | undefined;
  #closed = false;

  /** @param sizes Bytes of each tensor. */
  constructor(sizes: readonly number[]) {
    this.count = sizes.length;
    this.#sizes = sizes;
    let end = 0;
    this.#offsets = sizes.map((size) => {
      end += size;
      return end - size;
    });
  }

  /**
   * Keeps a tensor. Any order will do, and a tensor may be written again.
   *
   * @throws FatalError TENSOR_WRONG_SIZE, TENSOR_OUT_OF_RANGE, TRACE_FILE
   */
  write(index: number, bytes: Uint8Array): void {
    const size = this.#sizes[requireTensor(index, this.count)] as number;
    if (bytes.length !== size) {
      throw new FatalError(
        "TENSOR_WRONG_SIZE",
        `Tensor ${index} has ${bytes.length} bytes where the program has ${size}. Give the tensors that the program names.`,
      );
    }
    this.#transfer(index, bytes, writeSync);
  }

  /** A copy of a tensor that was written. @throws FatalError TENSOR_OUT_OF_RANGE, TRACE_FILE */
  tensorBytes(index: number): Uint8Array {
    const bytes = new Uint8Array(this.#sizes[requireTensor(index, this.count)] as number);
    this.#transfer(index, bytes, readSync);
    return bytes;
  }

  close(): void {
    this.#closed = true;
    if (this.#file === undefined) return;
    forgotten.unregister(this);
    closeSync(this.#file);
    this.#file = undefined;
  }

  /** Linux moves at most 2 GB a call. */
  #transfer(index: number, bytes: Uint8Array, move: Move): void {
    const offset = this.#offsets[index] as number;
    try {
      if (this.#closed) throw new Error("it was closed");
      this.#file ??= this.#open();
      for (let at = 0; at < bytes.length; ) {
        const moved = move(this.#file, bytes, at, bytes.length - at, offset + at);
        if (moved === 0) throw new Error(`it ends before byte ${offset + bytes.length}`);
        at += moved;
      }
    } catch (cause) {
      const reason = (cause as Error).message;
      throw new FatalError(
        "TRACE_FILE",
        `The temporary file of a trace of ${this.#sizes.reduce((sum, size) => sum + size, 0)} bytes failed in ${tmpdir()}: ${reason}. Set TMPDIR to a directory with room.`,
        { cause },
      );
    }
  }

  #open(): number {
    const path = join(tmpdir(), `surety-trace-${randomUUID()}`);
    const file = openSync(path, "wx+", 0o600);
    unlinkSync(path);
    forgotten.register(this, file, this);
    return file;
  }
}
