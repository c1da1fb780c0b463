import type { GameView } from "@surety/protocol";
import type { ModelThread } from "@surety/service";
import type { Hex } from "viem";
import type { Reveal } from "../defend/answer.ts";
import type { ChallengerMove } from "../dispute/move.ts";
import type { Revealed } from "../dispute/revealed.ts";

/** A model and a request's input: what a run starts from. */
export interface RunSubject {
  readonly bundleDir: string;
  /** Concatenation of the model's input tensors. */
  readonly input: Uint8Array;
}

/** What the worker thread is asked to do. */
export type Task =
  /** Make sure that the model can be run and is right on this machine. */
  | { readonly kind: "open"; readonly bundleDir: string }
  /** Make sure that an opened model is still right on this machine. */
  | { readonly kind: "test"; readonly bundleDir: string }
  /** The output by the fast way: onnxruntime. */
  | ({ readonly kind: "run" } & RunSubject)
  /** The output by the slow way: the program, instruction by instruction. */
  | ({ readonly kind: "recheck" } & RunSubject)
  /** The output by the fast way once more, by a session of its own: the bundle's bytes, the kernels' known answers and the golden vector are checked anew before. */
  | ({ readonly kind: "prove" } & RunSubject)
  /** The root of the run's trace, by the fast way. */
  | ({ readonly kind: "traceRoot" } & RunSubject)
  /** What the poster of a right answer is to reveal in a game against it. */
  | ({ readonly kind: "answer"; readonly view: GameView } & RunSubject)
  /** The next move of a game. */
  | ({
      readonly kind: "move";
      readonly view: GameView;
      readonly traceRoot: Hex;
      readonly revealed: readonly Revealed[];
    } & RunSubject);

/** What is to be known of a model before a game is opened. */
export interface OpenedModel {
  readonly largestTensorBytes: number;
}

export interface Answers {
  readonly open: OpenedModel;
  readonly test: undefined;
  readonly run: Uint8Array;
  readonly recheck: Uint8Array;
  readonly prove: Uint8Array;
  readonly traceRoot: Hex;
  readonly answer: Reveal | undefined;
  readonly move: ChallengerMove;
}

/** The thread that runs models and reckons moves. */
export type ChallengerThread = ModelThread<Task, Answers>;
