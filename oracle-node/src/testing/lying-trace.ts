import { TensorFile, type TensorList } from "@surety/engine";

/** An honest trace with some of its tensors replaced; those are kept on disk. */
export class LyingTrace implements TensorList {
  readonly count: number;
  readonly #honest: TensorList;
  readonly #lies: TensorFile;
  readonly #replaced = new Set<number>();

  /** @param sizes Bytes of each tensor. */
  constructor(honest: TensorList, sizes: readonly number[]) {
    this.count = honest.count;
    this.#honest = honest;
    this.#lies = new TensorFile(sizes);
  }

  tensorBytes(index: number): Uint8Array {
    return (this.#replaced.has(index) ? this.#lies : this.#honest).tensorBytes(index);
  }

  replace(index: number, bytes: Uint8Array): void {
    this.#lies.write(index, bytes);
    this.#replaced.add(index);
  }

  /** Makes the trace honest again. */
  restore(): void {
    this.#replaced.clear();
  }

  /** Closes the honest trace too. */
  close(): void {
    this.#lies.close();
    this.#honest.close();
  }
}
