import type { Option, OptionTable } from "./option.ts";
import { variableOf } from "./read-settings.ts";

const COLUMN = 28;

/** The help text of a program: its options by name. */
export function usage(command: string, required: string, table: OptionTable): string {
  const entries: [string, Option][] = Object.entries(table);
  const flags = entries.filter(([, { environmentOnly }]) => environmentOnly !== true);
  const variables = entries.filter(([, { environmentOnly }]) => environmentOnly === true);
  const line = (name: string, help: string) => `  ${name.padEnd(COLUMN)}${help}`;
  return [
    `Usage: ${command} ${required} [options]`,
    "",
    ...flags.map(([name, { value, help }]) =>
      line(`--${name}${value === undefined ? "" : ` ${value}`}`, help),
    ),
    line("--config FILE", "TOML file with options of the same names"),
    "",
    ...variables.map(([name, { help }]) => line(variableOf(name), `in the environment: ${help}`)),
    "",
    "Every flag can be given as SURETY_<FLAG> in the environment, as in SURETY_RPC_URL, or as its name in the file, as in",
    'rpc-url = ["http://..."]. A flag wins over the environment, the environment over the file.',
  ].join("\n");
}
