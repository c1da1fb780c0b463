import { errorCode, UsageError } from "@surety/protocol";
import type { Address } from "viem";
import { reasonOf } from "../log/reason.ts";
import { isText, type Program } from "../options/program.ts";

/** A service that runs in this process. */
export interface RunningService {
  /** Base URL of the API. */
  readonly url: string;
  /** The service's account; a worker has none. */
  readonly address?: Address;
  /** Never resolves; rejects when the service cannot go on. */
  readonly failed?: Promise<never>;
  /** Resolves when the service is done for good, and is to be stopped. */
  readonly ended?: Promise<void>;
  /** Finishes what is under way, then lets go of everything. */
  stop(): Promise<void>;
}

export interface RunServiceParameters<Options extends object> {
  readonly program: Program<Options>;
  /** Without the executable and the script. Default: this process's. */
  readonly args?: readonly string[];
  readonly start: (options: Options) => Promise<RunningService>;
}

/**
 * The whole of a service's executable: reads its options, starts it, prints the ready line on standard output, ends it on SIGTERM and
 * SIGINT. Exits with 0, with 2 for wrong use, with 1 for anything else, and then with one line on standard error.
 */
export async function runService<Options extends object>(
  parameters: RunServiceParameters<Options>,
): Promise<void> {
  const { program, start, args = process.argv.slice(2) } = parameters;
  try {
    const options = program.readOptions(args, process.env);
    if (isText(options)) {
      process.stdout.write(`${options.text}\n`);
      return;
    }
    const service = await start(options);
    service.failed?.catch(fail);
    let stopping = false;
    const stop = () => {
      if (stopping) return;
      stopping = true;
      service.stop().then(() => process.exit(0), fail);
    };
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, stop);
    void service.ended?.then(stop);
    process.stdout.write(`${JSON.stringify({ ready: true, url: service.url, address: service.address })}\n`);
  } catch (error) {
    fail(error);
  }
}

/** One line, by its code. */
function fail(error: unknown): never {
  process.stderr.write(`error[${errorCode(error)}]: ${reasonOf(error)}\n`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
