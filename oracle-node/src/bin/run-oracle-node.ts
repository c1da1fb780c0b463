import { runService } from "@surety/service";
import { NODE_PROGRAM } from "../options/read-options.ts";
import { startOracleNode } from "./start-oracle-node.ts";

/**
 * The whole of `surety node start`.
 *
 * @param args Default: this process's.
 */
export function runOracleNode(args?: readonly string[]): Promise<void> {
  return runService({
    program: NODE_PROGRAM,
    start: startOracleNode,
    ...(args === undefined ? {} : { args }),
  });
}
