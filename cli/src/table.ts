/** Rows of equal columns under a header; the first column stands left, the others on the given side. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  others: "left" | "right" = "right",
): string[] {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const pad = (cell: string, column: number) => {
    const width = widths[column] ?? 0;
    return column === 0 || others === "left" ? cell.padEnd(width) : cell.padStart(width);
  };
  const line = (row: readonly string[]) => row.map(pad).join("  ").trimEnd();
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)];
}
