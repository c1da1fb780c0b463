import { describe, expect, test } from "vitest";
import { errorCode, FatalError, isRetryable, RetryableError, SuretyError } from "./errors.ts";
import { parseHash32, parseModelId, parseRequestId } from "./ids.ts";

describe("SuretyError", () => {
  test("carries its code, its one line, its facts and its cause", () => {
    const cause = new Error("socket closed");
    const error = new RetryableError("RPC_UNREACHABLE", "No RPC answered.", {
      cause,
      metaMessages: ["tried 2"],
    });
    expect(error).toMatchObject({ code: "RPC_UNREACHABLE", shortMessage: "No RPC answered.", cause });
    expect(error).toBeInstanceOf(SuretyError);
    expect(error.name).toBe("RetryableError");
    expect(error.message).toBe("No RPC answered.\ntried 2");
    expect("cause" in new FatalError("X", "y")).toBe(false);
  });

  test("whether to retry is its type; a stranger is retried", () => {
    expect(isRetryable(new RetryableError("X", "y"))).toBe(true);
    expect(isRetryable(new FatalError("X", "y"))).toBe(false);
    expect(isRetryable(new TypeError("y"))).toBe(true);
    expect([errorCode(new FatalError("X", "y")), errorCode("y")]).toEqual(["X", "UNKNOWN"]);
  });
});

describe("id parsers", () => {
  const hash = `0x${"aB".repeat(32)}`;

  test("give lower-case hashes and bigint numbers", () => {
    expect(parseHash32(hash)).toBe(hash.toLowerCase());
    expect(parseRequestId("12")).toBe(12n);
  });

  test.each(["0x12", `${hash}0`, "", hash.slice(2)])("refuse %s as a hash", (value) => {
    expect(() => parseModelId(value)).toThrow(expect.objectContaining({ code: "ID_MALFORMED" }));
  });

  test.each([-1, 1.5, "0x1", ""])("refuse %s as a number", (value) => {
    expect(() => parseRequestId(value)).toThrow(expect.objectContaining({ code: "ID_MALFORMED" }));
  });
});
