import type { OptionTable } from "./option.ts";
import { printSettings } from "./print-settings.ts";
import { type Environment, readSettings, type Settings } from "./read-settings.ts";
import { SERVICE_OPTIONS } from "./service-options.ts";

/** A program as its options have it. */
export interface Program<Options extends object> {
  readonly usage: string;
  readonly table: OptionTable;
  /**
   * @param args Without the executable and the script.
   * @returns A text to print and end with instead of options: the help, or what the program would run with.
   * @throws UsageError OPTION_MISSING, OPTION_INVALID, OPTION_UNKNOWN, OPTION_CONFLICT, CONFIG_UNREADABLE
   */
  readonly readOptions: (args: readonly string[], env: Environment) => Options | { readonly text: string };
}

export interface ProgramParameters<Table extends OptionTable, Options extends object> {
  readonly usage: string;
  readonly table: Table;
  /** Of the configuration file. */
  readonly section: string;
  readonly toOptions: (values: Settings<Table>) => Options;
}

export function defineProgram<const Table extends OptionTable, Options extends object>(
  parameters: ProgramParameters<Table, Options>,
): Program<Options> {
  const { usage, table, section, toOptions } = parameters;
  return {
    usage,
    table,
    readOptions(args, env) {
      const read = readSettings({ table, section, args, env }, SHARED);
      if (read === "help") return { text: usage };
      // Read first: what cannot be run with is told, not shown.
      const options = toOptions(read.values);
      const wanted = (read.values as { readonly "print-config"?: boolean })["print-config"] === true;
      return wanted ? { text: printSettings(table, read) } : options;
    },
  };
}

/** Options that only some services have: their variables may stand in an environment that services share. `test/e2e/options.test.ts` keeps it complete. */
export const OWN_OF_OTHERS = [
  "queue",
  "fault",
  "fault-requests",
  "fault-file",
  "recheck-share",
  "inference-processes",
  "inference-memory-mb",
  "publish",
  "public-url",
  "explorer-port",
  "watch-only",
  "dry-run",
  "only-models",
  "min-value-gwei",
  "min-fee-gwei",
  "sample-share",
  "defend",
  "deliver",
  "attend",
  "operator",
  "name",
] as const;

/** What programs that share an environment and a file may find there of each other. */
const SHARED = [...Object.keys(SERVICE_OPTIONS), ...OWN_OF_OTHERS];

/** Whether a program is to print something instead of being run. */
export function isText(read: object): read is { readonly text: string } {
  return "text" in read;
}
