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
    "Example:",
    `  ${command} ${exampleOf(required)}`,
    "",
    "Every flag can be given as SURETY_<FLAG> in the environment, as in SURETY_RPC_URL, or as its name in the file, as in",
    'rpc-url = ["http://..."]. A flag wins over the environment, the environment over the file.',
  ].join("\n");
}

/** What the placeholders of a usage line stand for, in an example. */
const EXAMPLES: Readonly<Record<string, string>> = {
  URL: "http://127.0.0.1:8545",
  FILE: "deployment.json",
  DIR: "bundles",
};

/** `--rpc-url URL --keystore FILE` with values: a keystore's own name, the others by their kind. */
function exampleOf(required: string): string {
  return required
    .replace("--queue URL", "--queue redis://127.0.0.1:6379")
    .replace("--keystore FILE", "--keystore operator.json")
    .replace(/(?<=--\S+ )(URL|FILE|DIR)/g, (kind) => EXAMPLES[kind] ?? kind);
}
