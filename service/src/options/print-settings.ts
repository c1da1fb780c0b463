import type { OptionTable } from "./option.ts";
import type { SettingsRead } from "./read-settings.ts";

const HIDDEN = "[redacted]";

/** What a program would run with and where each value comes from, as JSON; secrets are cut out. */
export function printSettings<Table extends OptionTable>(
  table: Table,
  { values, sources }: SettingsRead<Table>,
): string {
  const shown = Object.keys(sources)
    .filter((name) => name !== "print-config")
    .sort()
    .map((name) => {
      const { secret } = table[name] ?? { secret: "all" };
      return [name, { value: redacted(values[name], secret), from: sources[name] }];
    });
  const text = (_key: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
  return JSON.stringify(Object.fromEntries(shown), text, 2);
}

function redacted(value: unknown, secret: "all" | "url" | undefined): unknown {
  if (secret === undefined) return value;
  if (Array.isArray(value)) return value.map((one) => redacted(one, secret));
  return secret === "url" ? withoutSecrets(String(value)) : HIDDEN;
}

/** A URL's scheme and host: its path, query and credentials are where providers put keys. */
export function withoutSecrets(url: string): string {
  if (!URL.canParse(url)) return url;
  const { protocol, host, pathname, search, username, password } = new URL(url);
  const hides = (pathname !== "" && pathname !== "/") || search !== "" || username !== "" || password !== "";
  return hides ? `${protocol}//${host}/${HIDDEN}` : url;
}
