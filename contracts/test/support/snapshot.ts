import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";

const folder = join(import.meta.dirname, "../../snapshots");

/** Compares with the committed snapshot, or writes it anew when UPDATE_SNAPSHOTS is set. */
export function expectSnapshot(file: string, actual: unknown): void {
  const path = join(folder, file);
  if (process.env.UPDATE_SNAPSHOTS) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, `${JSON.stringify(actual, null, 2)}\n`);
  }
  const committed: unknown = JSON.parse(readFileSync(path, "utf8"));
  expect(actual, `${file} changed: look at the difference, then run with UPDATE_SNAPSHOTS=1`).toEqual(
    committed,
  );
}
