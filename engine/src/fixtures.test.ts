import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";

const folder = join(import.meta.dirname, "../../fixtures");
const rows = readFileSync(join(folder, "MANIFEST.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| mnist/"))
  .map((line) => line.split("|").map((cell) => cell.trim()));

describe("fixtures", () => {
  test.each(rows.map((row) => [row[1] as string, row[3] as string]))(
    "%s has the sha256 of the manifest",
    (file, sha256) => {
      expect(
        createHash("sha256")
          .update(readFileSync(join(folder, file)))
          .digest("hex"),
      ).toBe(sha256);
    },
  );

  test("every file of a fixture is in the manifest", () => {
    const files = readdirSync(join(folder, "mnist"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
    expect(files.sort()).toEqual(rows.map((row) => row[1]).sort());
  });
});
