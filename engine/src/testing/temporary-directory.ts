import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const made: string[] = [];

afterAll(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true });
});

/** An empty directory that is gone when the test file has run. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "surety-"));
  made.push(path);
  return path;
}
