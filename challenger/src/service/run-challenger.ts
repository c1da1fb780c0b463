import { runService } from "@surety/service";
import { CHALLENGER_PROGRAM } from "../options/read-options.ts";
import { startChallenger } from "./start-challenger.ts";

/**
 * The whole of `surety challenger start`.
 *
 * @param args Default: this process's.
 */
export function runChallenger(args?: readonly string[]): Promise<void> {
  return runService({
    program: CHALLENGER_PROGRAM,
    start: startChallenger,
    ...(args === undefined ? {} : { args }),
  });
}
