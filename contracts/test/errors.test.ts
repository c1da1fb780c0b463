import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suretyErrorsAbi } from "@surety/protocol";
import { expect, it } from "vitest";

it("every custom error of the contracts is provoked by name in a test", () => {
  const tests = readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => readFileSync(join(import.meta.dirname, file), "utf8"))
    .join("\n");
  const elsewhere: string[] = [
    // The lock's error is told by its selector: the consumer that provokes it keeps the raw bytes.
    "ReentrancyGuardReentrantCall",
    // OpenZeppelin's EIP-712 domain, for names that are not fixed; ours are short and constant.
    ...["InvalidShortString", "StringTooLong"],
  ];
  const untested = suretyErrorsAbi
    .map(({ name }) => name)
    .filter((name) => !elsewhere.includes(name) && !tests.includes(`"${name}"`));
  expect(untested).toEqual([]);
});
