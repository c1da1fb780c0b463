import type { GameView } from "@surety/protocol";
import type { ModelThread } from "@surety/service";
import type { DefenceMove } from "../defend/move.ts";
import type { FaultTarget } from "../testing/liar.ts";

/** A request's run: the model, the input, and the lie to tell about it. */
export interface RunSubject {
  readonly bundleDir: string;
  /** Concatenation of the model's input tensors; to be run, of all items of a batch. */
  readonly input: Uint8Array;
  /** Devnets only. */
  readonly fault: FaultTarget | undefined;
}

/** What a model's thread is asked to do. */
export type Task =
  /** Make sure that the model can be run and is right on this machine; gives how long a run takes, in seconds. */
  | { readonly kind: "open"; readonly bundleDir: string }
  /** Have an open model give its golden vector once more. */
  | { readonly kind: "test"; readonly bundleDir: string }
  /** The model on an input. */
  | ({ readonly kind: "run" } & RunSubject)
  /** What shows that run's trace, to an audit. */
  | ({ readonly kind: "commit" } & RunSubject)
  /** The next move in a game against that run's answer: the trace stays in the thread. */
  | ({ readonly kind: "defend"; readonly view: GameView } & RunSubject);

export interface RunResult {
  /** The outputs' concatenated bytes. */
  readonly output: Uint8Array;
  /** How long it ran. */
  readonly seconds: number;
}

export interface Results {
  readonly open: number;
  readonly test: undefined;
  readonly run: RunResult;
  readonly commit: DefenceMove;
  readonly defend: DefenceMove;
}

/** What keeps the traces of disputed answers. */
export type DefenceThread = ModelThread<Task, Results>;

/** The lie that is told about an item of so many. */
export function faultOfItem<Fault>(fault: Fault | undefined, item: number, items: number): Fault | undefined {
  return item === items - 1 ? fault : undefined;
}
