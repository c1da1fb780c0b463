import { parseModelId } from "@surety/protocol";
import {
  defineProgram,
  type OptionTable,
  optional,
  SERVICE_OPTIONS,
  serviceOptionsOf,
  take,
  usage,
} from "@surety/service";
import { parseGwei } from "viem";
import type { ChallengerOptions } from "./options.ts";

export const DEFAULT_PORT = 9465;

const OPTIONS = {
  ...SERVICE_OPTIONS,
  port: { ...SERVICE_OPTIONS.port, help: `of the API (default ${DEFAULT_PORT}; 0 takes a free one)` },
  "watch-only": { schema: take.toggle, help: "verify and report, open nothing" },
  "dry-run": {
    schema: take.toggle,
    help: "verify, reckon what a dispute costs and simulate opening it, send nothing",
  },
  "only-models": {
    schema: take.hashes,
    value: "ID",
    repeats: true,
    help: "check answers of these models only",
  },
  "min-value-gwei": {
    schema: take.wholeNumber,
    value: "N",
    help: "check only answers behind which so much may be at risk, as their bond says",
  },
  "min-fee-gwei": {
    schema: take.wholeNumber,
    value: "N",
    help: "check only answers to requests that paid so much (those paid in tokens pass)",
  },
  "sample-share": {
    schema: take.share,
    value: "N",
    help: "check this part of what passes, drawn by the secret seed in the data directory (default 1)",
  },
  attend: {
    schema: take.toggle,
    help: "take part in attention tests: puts up the watchers' stake for every model at hand",
  },
  deliver: {
    schema: take.toggle,
    help: "tell consumers, at own gas, that a provisional answer was refuted by own games",
  },
  defend: {
    schema: take.addressesOrAll,
    value: "ADDRESS|all",
    repeats: true,
    help: "reveal for these posters, or all, in games against right answers when they do not themselves",
  },
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
    dryRun: given["dry-run"] ?? false,
    deliver: given.deliver ?? false,
    attend: given.attend ?? false,
    policy: {
      ...optional("models", given["only-models"]?.map(parseModelId)),
      ...optional("minValueWei", gweiOf(given["min-value-gwei"])),
      ...optional("minFeeWei", gweiOf(given["min-fee-gwei"])),
      ...optional("sampleShare", given["sample-share"]),
    },
    ...optional("defend", given.defend),
  }),
});

function gweiOf(gwei: number | undefined): bigint | undefined {
  return gwei === undefined ? undefined : parseGwei(String(gwei));
}
