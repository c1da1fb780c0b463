import type { GameView } from "@surety/protocol";
import type { ModelThread } from "@surety/service";
import type { DefenceMove } from "../defend/move.ts";
import type { FaultTarget } from "../testing/liar.ts";

/** A request's run: the model, the input, and the lie to tell about it. */
export interface RunSubject {
  readonly bundleDir: string;
  /** Concatenation of the model's input tensors. */
  readonly input: Uint8Array;
  /** Devnets only. */
  readonly fault: FaultTarget | undefined;
}

/** What a model's thread is asked to do. */
export type Task =
  /** Make sure that the model can be run and is right on this machine. */
  | { readonly kind: "open"; readonly bundleDir: string }
  /** Have an open model give its golden vector once more. */
  | { readonly kind: "test"; readonly bundleDir: string }
  /** The outputs' concatenated bytes. */
  | ({ readonly kind: "run" } & RunSubject)
  /** What shows that run's trace, to an audit. */
  | ({ readonly kind: "commit" } & RunSubject)
  /** The next move in a game against that run's answer: the trace stays in the thread. */
  | ({ readonly kind: "defend"; readonly view: GameView } & RunSubject);

export interface Results {
  readonly open: undefined;
  readonly test: undefined;
  readonly run: Uint8Array;
  readonly commit: DefenceMove;
  readonly defend: DefenceMove;
}

/** The thread that runs the node's models. */
export type NodeThread = ModelThread<Task, Results>;
