import {
  defineProgram,
  type OptionTable,
  optional,
  SERVICE_OPTIONS,
  serviceOptionsOf,
  take,
  usage,
} from "@surety/service";
import { type FaultOptions, parseFaultTarget } from "../testing/fault-plan.ts";
import { type OracleNodeOptions, PUBLICATIONS } from "./options.ts";
import { POOL_OPTIONS, poolOptionsOf } from "./pool-options.ts";

export const DEFAULT_PORT = 9464;

const OPTIONS = {
  ...SERVICE_OPTIONS,
  port: { ...SERVICE_OPTIONS.port, help: `of the API (default ${DEFAULT_PORT}; 0 takes a free one)` },
  queue: {
    schema: take.text,
    value: "URL",
    secret: "url",
    help: "embedded (default), redis://... or postgres://...",
  },
  ...POOL_OPTIONS,
  "recheck-share": {
    schema: take.share,
    value: "N",
    help: "share of workers' results that the node computes again (default 0.05)",
  },
  publish: {
    schema: take.listOf(PUBLICATIONS),
    value: "KINDS",
    repeats: true,
    help: "of models,outputs (default both), or nothing: what the API gives to anyone, by its hash",
  },
  "public-url": {
    schema: take.url,
    value: "URL",
    help: "at which others reach the API: posts by reference say where their bytes are",
  },
  "explorer-port": {
    schema: take.wholeNumber,
    value: "N",
    help: "serve the explorer there, on the API's host; 0 takes a free port (default: none)",
  },
  deliver: {
    schema: take.toggle,
    help: "deliver again, at own gas, what consumers of own answers missed: failed callbacks and revocations",
  },
  fault: {
    schema: take.text,
    value: "LIE",
    help: "development chains only: lie at layer=I,element=J or output",
  },
  "fault-requests": {
    schema: take.wholeNumber,
    value: "N",
    help: "development chains only: lie in so many answers, then be honest",
  },
  "fault-file": {
    schema: take.text,
    value: "FILE",
    help: "development chains only: lie when this file orders it",
  },
} as const satisfies OptionTable;

/** Flags, `SURETY_*` and the `[node]` of a file. The API's default port is 9464. */
export const NODE_PROGRAM = defineProgram({
  usage: usage("surety node start", "--rpc-url URL --deployment FILE --bundles DIR --keystore FILE", OPTIONS),
  table: OPTIONS,
  section: "node",
  toOptions: (given): OracleNodeOptions => ({
    ...serviceOptionsOf(given),
    ...optional("queueUrl", given.queue),
    ...poolOptionsOf(given),
    ...optional("recheckShare", given["recheck-share"]),
    ...optional("publish", given.publish),
    ...optional("publicUrl", given["public-url"]),
    ...optional("explorerPort", given["explorer-port"]),
    deliver: given.deliver ?? false,
    ...optional("fault", faultOf(given.fault, given["fault-requests"], given["fault-file"])),
  }),
});

function faultOf(
  target: string | undefined,
  requests: number | undefined,
  file: string | undefined,
): FaultOptions | undefined {
  if (file !== undefined) return { file };
  return target === undefined
    ? undefined
    : { target: parseFaultTarget(target), ...optional("requests", requests) };
}
