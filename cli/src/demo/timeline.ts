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
