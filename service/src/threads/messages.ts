/** What a model's thread or process is started with. */
export interface ModelThreadData {
  /** Where it remembers the models that passed `requireGraphMatches` here. */
  readonly checkedModelsDir: string;
  /** Threads inside one operator of a model. Default: one per core. */
  readonly intraOpNumThreads?: number;
}

/** To a model's thread. */
export interface TaskMessage<Task> {
  readonly id: number;
  readonly task: Task;
}

/** Back from it. An error travels as its code, its text and whether to try again. */
export type ResultMessage<Result> =
  | { readonly id: number; readonly ok: true; readonly value: Result }
  | {
      readonly id: number;
      readonly ok: false;
      readonly code: string;
      readonly message: string;
      readonly retryable: boolean;
    };
