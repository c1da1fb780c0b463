import { errorCode, isRetryable } from "@surety/protocol";
import type { Logger } from "../log/logger.ts";
import { reasonOf } from "../log/reason.ts";

export interface SelfTestParameters {
  /** Throws where something is not right on this machine. */
  readonly run: () => Promise<void>;
  readonly log: Logger;
  /** From one to the next. Default: an hour. */
  readonly everySeconds?: number | undefined;
  /** Told of the first failure after all was good. */
  readonly onFailed?: (error: unknown) => void;
}

export interface SelfTest {
  /** False from a failure to the next time that all is right. */
  isGood(): boolean;
  /** Runs it now. */
  look(): Promise<void>;
  stop(): void;
}

const HOUR = 3_600;

/**
 * Repeats a service's self-test while it runs: memory and CPUs go wrong after the start too. It counts as good at first, for a service does not start
 * where it is not.
 */
export function createSelfTest({ run, log, everySeconds = HOUR, onFailed }: SelfTestParameters): SelfTest {
  let good = true;
  let looking: Promise<void> | undefined;
  async function test(): Promise<void> {
    try {
      await run();
      if (!good) log.warn("the self-test is right again");
      good = true;
    } catch (error) {
      if (isRetryable(error)) {
        // A process that ended, or was closed: it says nothing about what is right here.
        log.warn({ code: errorCode(error), reason: reasonOf(error) }, "the self-test was cut short");
        return;
      }
      log.error({ code: errorCode(error), reason: reasonOf(error) }, "the self-test failed");
      if (good) onFailed?.(error);
      good = false;
    }
  }
  const look = () => {
    looking ??= test().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const timer = setInterval(look, everySeconds * 1_000);
  timer.unref();
  return { isGood: () => good, look, stop: () => clearInterval(timer) };
}
