import type { ModelThread } from "@surety/service";
import type { FaultTarget } from "../testing/liar.ts";

/** What a model's thread is asked to do. */
export type Task = {
  /** `run`: the outputs' concatenated bytes. `trace`: every instruction's tensor. */
  readonly kind: "run" | "trace";
  readonly bundleDir: string;
  /** Concatenation of the model's input tensors. */
  readonly input: Uint8Array;
  /** A lie to tell; devnets only. */
  readonly fault: FaultTarget | undefined;
};

export interface Results {
  readonly run: Uint8Array;
  readonly trace: readonly Uint8Array[];
}

/** The thread that runs the node's models. */
export type NodeThread = ModelThread<Task, Results>;
