/** Prints what happens as it happens; silent in JSON mode, where only the last line counts. */
export interface Timeline {
  /** A new chapter. */
  chapter(title: string): void;
  /** One thing that happened, with the seconds since the start. */
  event(text: string): void;
  /** Lines that belong to the last event. */
  detail(lines: readonly string[]): void;
}

export function createTimeline(options: { json: boolean; startedAtMs: number }): Timeline {
  const write = options.json
    ? (line: string) => process.stderr.write(`${line}\n`)
    : (line: string) => process.stdout.write(`${line}\n`);
  const clock = () => `${((performance.now() - options.startedAtMs) / 1000).toFixed(1).padStart(6)} s`;
  return {
    chapter: (title) => write(`\n── ${title} ${"─".repeat(Math.max(0, 96 - title.length))}`),
    event: (text) => write(`${clock()}  ${text}`),
    detail: (lines) => {
      for (const line of lines) write(`          ${line}`);
    },
  };
}

/** Rows of equal columns, the first left and the others right aligned. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ");
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)];
}
