import { fromHex, joinedRoot } from "@surety/engine";
import { describe, expect, it } from "vitest";
import { postedOutput } from "./verify.ts";

describe("postedOutput", () => {
  const header = { outputs: [300, 20].map((bytes, instruction) => ({ instruction, bytes })) };
  const output = Uint8Array.from({ length: 320 }, (_, i) => i & 0xff);
  const other = output.map((byte, i) => (i === 310 ? byte ^ 1 : byte));

  it("knows an output by its bytes and by its root alike", () => {
    const root = fromHex(
      joinedRoot(
        header.outputs.map(({ bytes }) => bytes),
        output,
      ),
    );
    for (const posted of [
      { output, outputForm: "bytes" },
      { output: root, outputForm: "root" },
    ] as const) {
      expect(postedOutput(posted, header)(output)).toBe(true);
      expect(postedOutput(posted, header)(other)).toBe(false);
    }
  });
});
