/**
 * Errors. Whether to try again is a type: a `RetryableError` may succeed unchanged later, a `FatalError` never will.
 */

export interface SuretyErrorOptions {
  /** What was caught, if this wraps another error. */
  readonly cause?: unknown;
  /** Further facts for the log, one a line: what was expected, where, what to do. */
  readonly metaMessages?: readonly string[];
}

/**
 * The base of every error thrown on purpose.
 *
 * @example
 * throw new FatalError("PROGRAM_MALFORMED", "Instruction 7: operand 2 reads element 96 of 96. Compile the model again.");
 */
export class SuretyError extends Error {
  /** Stable, upper snake case; what callers, metrics and docs/errors.md go by. */
  readonly code: string;
  /** One line: what is wrong, where, what to do. */
  readonly shortMessage: string;
  readonly metaMessages: readonly string[];

  constructor(code: string, shortMessage: string, options: SuretyErrorOptions = {}) {
    const metaMessages = options.metaMessages ?? [];
    const message = [shortMessage, ...metaMessages].join("\n");
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.shortMessage = shortMessage;
    this.metaMessages = metaMessages;
  }
}

/** The same call may succeed later: a node out of reach, a nonce taken, a queue full. */
export class RetryableError extends SuretyError {}

/** The same call can never succeed: malformed data, a refused model, a wrong option. */
export class FatalError extends SuretyError {}

/** The caller asked for something that cannot be meant: a wrong option, a missing file, an input of the wrong shape. Commands exit with 2. */
export class UsageError extends FatalError {}

/** True unless the error says that trying again is useless. Errors not our own count as retryable. */
export function isRetryable(error: unknown): boolean {
  return !(error instanceof FatalError);
}

/** The stable code of any error: our own code, else `UNKNOWN`. */
export function errorCode(error: unknown): string {
  return error instanceof SuretyError ? error.code : "UNKNOWN";
}

/** For the last branch of an exhaustive switch. */
export function assertNever(value: never): never {
  throw new FatalError("UNREACHABLE", `Unhandled case ${JSON.stringify(value)}. This is a bug in Surety.`);
}
