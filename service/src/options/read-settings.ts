import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { UsageError } from "@surety/protocol";
import { parse as parseToml } from "smol-toml";
import type { z } from "zod";
import type { Option, OptionTable } from "./option.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What was given, read; nothing for what was not. */
export type Settings<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: z.output<Table[Name]["schema"]>;
};

export interface SettingsRead<Table extends OptionTable> {
  readonly values: Settings<Table>;
  /** Where each value comes from, for people: `--port`, `SURETY_PORT`, `port in surety.toml`. */
  readonly sources: Readonly<Record<string, string>>;
}

export interface ReadSettingsParameters<Table extends OptionTable> {
  readonly table: Table;
  /** The table of the configuration file that is the program's own; what stands above all tables is for every program. */
  readonly section: string;
  /** Without the executable and the script. */
  readonly args: readonly string[];
  readonly env: Environment;
}

/** Of the configuration file: read from the flag or the environment only. */
const CONFIG = "config";
/** Tables of one file that serves several programs: each reads its own. */
export const SECTIONS = ["node", "challenger", "worker"] as const;
/**
 * Variables of our own that are no option of the program at hand: programs share an environment (a container's `env_file`, a shell). Anything else that
 * begins with SURETY_ is a mistake and refused.
 */
const FOREIGN = /^SURETY_(TEST_|FUZZ_|MODELS$|MODEL_|ONNX_|BENCH_)/;

interface Given {
  readonly raw: unknown;
  readonly source: string;
}

/**
 * Reads a program's options: a flag wins over `SURETY_*`, that over the TOML file which `--config` names. All three have the same names and go through the same schema.
 *
 * @param shared Options of other programs, which may be in the environment and above all tables of the file: they are passed over.
 * @throws UsageError OPTION_INVALID, OPTION_UNKNOWN, CONFIG_UNREADABLE
 */
export function readSettings<const Table extends OptionTable>(
  parameters: ReadSettingsParameters<Table>,
  shared: readonly string[] = [],
): SettingsRead<Table> | "help" {
  const { table, section, args, env } = parameters;
  const flags = readFlags(table, args);
  if (flags === "help") return "help";
  const variables = readEnvironment(table, env, shared);
  const file = (flags.get(CONFIG) ?? variables.get(CONFIG))?.raw as string | undefined;
  const layers = [
    file === undefined ? new Map<string, Given>() : readFile(table, section, file, shared),
    variables,
    flags,
  ];
  const merged = new Map(layers.flatMap((layer) => [...layer]));
  merged.delete(CONFIG);
  const values: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  for (const [name, given] of merged) {
    values[name] = readValue(table[name] as Option, given);
    sources[name] = given.source;
  }
  return { values: values as Settings<Table>, sources };
}

function readValue({ schema, secret }: Option, { raw, source }: Given): unknown {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const shown = secret === undefined ? ` ${JSON.stringify(raw)}` : "";
  throw new UsageError("OPTION_INVALID", `${source}${shown} is not ${schema.description ?? "understood"}.`);
}

function readFlags(table: OptionTable, args: readonly string[]): Map<string, Given> | "help" {
  const options: Record<string, { type: "string" | "boolean"; multiple?: boolean }> = {
    help: { type: "boolean" },
    [CONFIG]: { type: "string" },
  };
  for (const [name, { value, repeats = false, environmentOnly = false }] of Object.entries(table)) {
    if (environmentOnly) continue;
    options[name] = { type: value === undefined ? "boolean" : "string", multiple: repeats };
  }
  let values: Record<string, unknown>;
  try {
    values = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    const why = (cause instanceof Error ? cause.message : String(cause)).split(/\.\s|\n/)[0];
    throw new UsageError("OPTION_INVALID", `${why}. See --help.`, { cause });
  }
  if (values.help === true) return "help";
  // A flag that repeats takes lists too: `--rpc-url a,b` is `--rpc-url a --rpc-url b`.
  return new Map(
    Object.entries(values).map(([name, raw]) => [
      name,
      { raw: Array.isArray(raw) ? raw.join(",") : raw, source: `--${name}` },
    ]),
  );
}

export function variableOf(name: string): string {
  return `SURETY_${name.toUpperCase().replaceAll("-", "_")}`;
}

function readEnvironment(
  table: OptionTable,
  env: Environment,
  shared: readonly string[],
): Map<string, Given> {
  const names = new Map([...Object.keys(table), CONFIG].map((name) => [variableOf(name), name]));
  const others = new Set(shared.map(variableOf));
  const given = new Map<string, Given>();
  for (const [variable, raw] of Object.entries(env)) {
    if (!variable.startsWith("SURETY_") || raw === undefined) continue;
    const name = names.get(variable);
    // An empty variable is none: that is how a container's file unsets one.
    if (name !== undefined && raw !== "") given.set(name, { raw, source: variable });
    if (name !== undefined || others.has(variable) || FOREIGN.test(variable)) continue;
    throw new UsageError("OPTION_UNKNOWN", `${variable} in the environment is no option. See --help.`);
  }
  return given;
}

function readFile(
  table: OptionTable,
  section: string,
  path: string,
  shared: readonly string[],
): Map<string, Given> {
  let file: Record<string, unknown>;
  try {
    file = parseToml(readFileSync(path, "utf8"));
  } catch (cause) {
    const [why] = (cause as Error).message.split("\n");
    throw new UsageError("CONFIG_UNREADABLE", `The configuration file ${path} cannot be read: ${why}.`, {
      cause,
    });
  }
  const given = new Map<string, Given>();
  const take = (entries: Record<string, unknown>, where: string) => {
    for (const [name, raw] of Object.entries(entries)) {
      const option = table[name];
      if (option === undefined || option.environmentOnly === true) {
        const why =
          option === undefined ? "is no option" : `is a secret: give it as ${variableOf(name)} only`;
        throw new UsageError("OPTION_UNKNOWN", `"${name}" in ${path}${where} ${why}. See --help.`);
      }
      given.set(name, { raw, source: `${name} in ${path}` });
    }
  };
  const isOthers = (name: string) => name !== section && SECTIONS.some((one) => one === name);
  const { [section]: own = {}, ...top } = file;
  const isShared = (name: string) => table[name] === undefined && shared.includes(name);
  const mine = Object.entries(top).filter(([name]) => !isOthers(name) && !isShared(name));
  take(Object.fromEntries(mine), "");
  if (typeof own !== "object" || own === null || Array.isArray(own)) {
    throw new UsageError("CONFIG_UNREADABLE", `"${section}" in ${path} must be a table: [${section}].`);
  }
  take(own as Record<string, unknown>, ` under [${section}]`);
  return given;
}
