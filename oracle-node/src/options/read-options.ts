import {
  type Environment,
  readArguments,
  readServiceOptions,
  SERVICE_FLAGS,
  usage,
  wholeNumber,
} from "@surety/service";
import { type FaultOptions, parseFaultTarget } from "../testing/fault-plan.ts";
import type { OracleNodeOptions } from "./options.ts";

const FLAGS = {
  ...SERVICE_FLAGS,
  queue: { type: "string" },
  fault: { type: "string" },
  "fault-requests": { type: "string" },
  "fault-file": { type: "string" },
} as const;

export const DEFAULT_PORT = 9464;

export const USAGE = usage({
  command: "oracle-node",
  defaultPort: DEFAULT_PORT,
  bundles: "compiled models to serve",
  key: "the operator's private key",
  dataDir: "store and embedded queue, one node each",
  own: [
    ["--queue URL", "embedded (default) or redis://..."],
    ["--fault LIE", "development chains only: lie at layer=I,element=J or output"],
    ["--fault-requests N", "development chains only: lie in so many answers, then be honest"],
    ["--fault-file FILE", "development chains only: lie when this file orders it"],
  ],
});

/**
 * Options from flags, then from `SURETY_*`.
 *
 * @param args Without the executable and the script.
 * @throws UsageError OPTION_MISSING, OPTION_INVALID
 */
export function readOptions(args: readonly string[], env: Environment): OracleNodeOptions | "help" {
  const given = readArguments(FLAGS, args, env);
  if (given === "help") return "help";
  const fault = readFault(given.text("fault"), given.text("fault-requests"), given.text("fault-file"));
  return {
    ...readServiceOptions(given),
    ...given.optional("queueUrl", "queue", String),
    ...(fault === undefined ? {} : { fault }),
  };
}

function readFault(
  target: string | undefined,
  requests: string | undefined,
  file: string | undefined,
): FaultOptions | undefined {
  if (file !== undefined) return { file };
  if (target === undefined) return undefined;
  const parsed = { target: parseFaultTarget(target) };
  return requests === undefined ? parsed : { ...parsed, requests: wholeNumber(requests, "fault-requests") };
}
