/** A durable queue of jobs of one kind. A job is done at least once, so its handler must bear repetition. */
export interface JobQueue<Data extends object> {
  /**
   * Adds a job unless one with the same id is there already, waiting, running or failed for good.
   *
   * @param dueSeconds Unix time by which it is to be done: the job due first is done first, and one that is not due at any time before all of these.
   */
  add(id: string, data: Data, dueSeconds?: number): Promise<void>;
  /**
   * Starts doing jobs; resolves when it has started. An error that may pass (`isRetryable`) has the job done again later, with growing waits, until
   * it is dropped after eight attempts and may be added anew; a `FatalError` ends it, and it counts as failed for good.
   *
   * @throws RetryableError QUEUE_UNREACHABLE
   */
  work(handler: (data: Data) => Promise<void>, options: WorkOptions<Data>): Promise<void>;
  /** @throws RetryableError QUEUE_UNREACHABLE */
  counts(): Promise<JobCounts>;
  /** Forgets jobs that failed for good, so that they may be added again: for a new start, when the reason may be gone. */
  forgetFailed(): Promise<void>;
}

export interface WorkOptions<Data> {
  /** Jobs done at the same time. */
  readonly concurrency: number;
  /** Told of every failure; `isFinal` when the job is not tried again. */
  readonly onFailure: (data: Data, error: Error, isFinal: boolean) => void;
}

export interface JobCounts {
  /** Ready or waiting for a later attempt. */
  readonly waiting: number;
  readonly active: number;
  readonly failed: number;
}

/** Where queues live. */
export interface QueueHost {
  open<Data extends object>(name: string): JobQueue<Data>;
  /** Waits for running jobs, then closes every queue. */
  close(): Promise<void>;
}
