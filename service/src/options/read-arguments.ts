import { parseArgs } from "node:util";
import { UsageError } from "@surety/protocol";

/** Flags by name; a `boolean` one takes no value. */
export type Flags = Readonly<Record<string, { readonly type: "string" | "boolean" }>>;
export type Environment = Readonly<Record<string, string | undefined>>;

/** Arguments of a command with the environment behind them: `--port` wins over `SURETY_PORT`. */
export interface Arguments<Name extends string> {
  text(name: Name): string | undefined;
  /** @throws UsageError OPTION_MISSING */
  required(name: Name): string;
  /** `{ [key]: value }`, or nothing when the option is not given: its default then holds. */
  optional<Key extends string, Value>(
    key: Key,
    name: Name,
    read: (value: string, name: string) => Value,
  ): { [K in Key]?: Value };
  /** A flag without a value; `1` or `true` in the environment. */
  isSet(name: Name): boolean;
  /** `SURETY_PRIVATE_KEY`, for which there is no flag. */
  readonly privateKey: string | undefined;
}

/**
 * Arguments by their flags, then by `SURETY_*`.
 *
 * @param args Without the executable and the script.
 * @throws UsageError OPTION_INVALID
 */
export function readArguments<const F extends Flags>(
  flags: F,
  args: readonly string[],
  env: Environment,
): Arguments<keyof F & string> | "help" {
  type Name = keyof F & string;
  const values = parse(flags, args);
  if (values.help === true) return "help";
  const text = (name: Name) => {
    const value = values[name];
    return typeof value === "string" ? value : env[environmentName(name)];
  };
  return {
    text,
    required(name) {
      const value = text(name);
      if (value !== undefined && value !== "") return value;
      throw new UsageError("OPTION_MISSING", `Give --${name} or ${environmentName(name)}.`);
    },
    optional<Key extends string, Value>(
      key: Key,
      name: Name,
      read: (value: string, name: string) => Value,
    ): { [K in Key]?: Value } {
      const value = text(name);
      return value === undefined ? {} : ({ [key]: read(value, name) } as { [K in Key]: Value });
    },
    isSet: (name) => values[name] === true || ["1", "true"].includes(env[environmentName(name)] ?? ""),
    privateKey: env.SURETY_PRIVATE_KEY,
  };
}

function parse(flags: Flags, args: readonly string[]): Readonly<Record<string, unknown>> {
  try {
    const options = { ...flags, help: { type: "boolean" } } as const;
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    const why = (cause instanceof Error ? cause.message : String(cause)).split(/\.\s|\n/)[0];
    throw new UsageError("OPTION_INVALID", `${why}. See --help.`, { cause });
  }
}

function environmentName(name: string): string {
  return `SURETY_${name.toUpperCase().replaceAll("-", "_")}`;
}

function invalid(name: string, value: string, what: string): UsageError {
  return new UsageError("OPTION_INVALID", `--${name} ${JSON.stringify(value)} is not ${what}.`);
}

export function wholeNumber(value: string, name: string): number {
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw invalid(name, value, "a whole number");
}

export function url(value: string, name: string): string {
  if (URL.canParse(value) && /^https?:/.test(value)) return value;
  throw invalid(name, value, "an http:// or https:// URL");
}

/** Comma-separated. */
export function listOf<Item extends string>(items: readonly Item[], value: string, name: string): Item[] {
  const given = value.split(",").filter((text) => text !== "");
  if (given.every((text) => items.includes(text as Item))) return given as Item[];
  throw invalid(name, value, `a list of ${items.join(", ")}`);
}

const LEVELS = ["trace", "debug", "info", "warn", "error", "silent"];

export function logLevel(value: string, name: string): string {
  if (LEVELS.includes(value)) return value;
  throw invalid(name, value, `one of ${LEVELS.join(", ")}`);
}
