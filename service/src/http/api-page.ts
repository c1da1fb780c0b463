import type { Schema } from "./serve-api.ts";

interface Operation {
  readonly summary?: string;
  readonly security?: readonly unknown[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> };
  readonly responses?: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }>
  >;
}

/** What of an OpenAPI description the page shows. */
export interface ApiDescription {
  readonly info: { readonly title: string };
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** No script, and nothing from anywhere: the page is its own text. */
export const API_PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid; padding: 0.5rem 0 1rem; }
h2 { font: bold 1rem/1.5 ui-monospace, monospace; }
pre { overflow-x: auto; padding: 0.5rem; border: 1px solid; }
`;

/** An API's description as a page for people, from the same document that programs read at `/openapi.json`. */
export function apiPage({ info, paths = {} }: ApiDescription): string {
  const sections = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => section(method, path, operation)),
  );
  const title = encoded(info.title);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}: API</title><style>${STYLE}</style></head>
<body>
<h1>${title}: API</h1>
<p>For programs: <a href="/openapi.json">openapi.json</a>. What is marked "with the token" wants <code>Authorization: Bearer TOKEN</code>.</p>
${sections.join("\n")}
</body>
</html>
`;
}

function section(method: string, path: string, operation: Operation): string {
  const token = operation.security === undefined ? "" : " <strong>With the token.</strong>";
  const schemas = [
    ["Request", Object.values(operation.requestBody?.content ?? {})[0]?.schema],
    ...Object.entries(operation.responses ?? {}).map(([status, { content = {} }]) => [
      `Answer ${status}`,
      Object.values(content)[0]?.schema,
    ]),
  ] as [string, Schema | undefined][];
  const shown = schemas.flatMap(([name, schema]) =>
    schema === undefined ? [] : [`<p>${name}:</p><pre>${encoded(JSON.stringify(schema, null, 2))}</pre>`],
  );
  return `<section><h2>${method.toUpperCase()} ${encoded(path)}</h2><p>${encoded(operation.summary ?? "")}${token}</p>${shown.join("")}</section>`;
}

function encoded(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
