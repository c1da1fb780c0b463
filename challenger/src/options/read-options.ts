import {
  defineProgram,
  type OptionTable,
  SERVICE_OPTIONS,
  serviceOptionsOf,
  take,
  usage,
} from "@surety/service";
import type { ChallengerOptions } from "./options.ts";

export const DEFAULT_PORT = 9465;

const OPTIONS = {
  ...SERVICE_OPTIONS,
  port: { ...SERVICE_OPTIONS.port, help: `of the API (default ${DEFAULT_PORT}; 0 takes a free one)` },
  "watch-only": { schema: take.toggle, help: "verify and report, open nothing" },
} as const satisfies OptionTable;

/** Flags, `SURETY_*` and the `[challenger]` of a file. The API's default port is 9465. */
export const CHALLENGER_PROGRAM = defineProgram({
  usage: usage(
    "surety challenger start",
    "--rpc-url URL --deployment FILE --bundles DIR --keystore FILE",
    OPTIONS,
  ),
  table: OPTIONS,
  section: "challenger",
  toOptions: (given): ChallengerOptions => ({
    ...serviceOptionsOf(given),
    watchOnly: given["watch-only"] ?? false,
  }),
});
