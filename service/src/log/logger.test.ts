import { Writable } from "node:stream";
import { FatalError } from "@surety/protocol";
import { describe, expect, it } from "vitest";
import { createLogger } from "./logger.ts";
import { reasonOf } from "./reason.ts";

describe("createLogger", () => {
  it("cuts secrets out of its lines", () => {
    let written = "";
    const sink = new Writable({
      write(chunk, _encoding, done) {
        written += chunk;
        done();
      },
    });
    const log = createLogger("test", "info", sink);
    log.info({ rpcUrl: "https://host/secret", options: { key: "secret", privateKey: "secret" } }, "started");
    log.info({ headers: { authorization: "secret" } }, "asked");
    log.info({ a: { b: { apiToken: "secret" } } }, "deep");
    log.warn({ err: new Error("POST https://user:secret@host:1/v3/secret?k=secret failed") }, "failed");
    log.warn(
      `redis://:secret@queue:6379/0 is away, postgres://u:secret@db/x?password=secret too; Bearer secret`,
    );
    expect(written).not.toContain("secret");
    expect(written).toContain("[redacted]");
    expect(written).toContain('"name":"test"');
    expect(written).toContain("https://host:1/[redacted] failed");
    const lines = written.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).level)).toEqual([30, 30, 30, 40, 40]);
  });
});

describe("reasonOf", () => {
  it("is one line: the short message, or the first line of anything else", () => {
    expect(reasonOf(new FatalError("X", "It is so.", { metaMessages: ["more"] }))).toBe("It is so.");
    expect(reasonOf(new Error("HTTP request failed.\n\nURL: https://host/secret"))).toBe(
      "HTTP request failed.",
    );
    expect(reasonOf("text\nmore")).toBe("text");
  });
});
