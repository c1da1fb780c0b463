import { fromHex, joinedRoot } from "@surety/engine";
import { FatalError, RetryableError } from "@surety/protocol";
import { describe, expect, it } from "vitest";
import type { ChallengerThread } from "./task.ts";
import { postedOutput, verifyOutput } from "./verify.ts";

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

describe("verifyOutput", () => {
  const right = Uint8Array.of(1, 2, 3);
  const bent = Uint8Array.of(1, 2, 4);
  const posted = Uint8Array.of(9, 9, 9);
  /** A machine that answers each way of running as told; a faulty one cannot be had otherwise. */
  function machine(run: Uint8Array, recheck: Uint8Array, prove: Uint8Array | Error) {
    const asked: string[] = [];
    const ways = { run, recheck, prove } as Record<string, Uint8Array | Error>;
    const ask = async ({ kind }: { kind: string }) => {
      asked.push(kind);
      const answer = ways[kind];
      if (answer instanceof Error) throw answer;
      return answer;
    };
    return { asked, thread: { ask } as unknown as ChallengerThread };
  }
  const find = ({ thread }: ReturnType<typeof machine>, output = posted) =>
    verifyOutput(thread, [
      {
        subject: { bundleDir: "", input: right },
        isPosted: (own: Uint8Array) => Buffer.compare(own, output) === 0,
      },
    ]);

  it("takes one run to find an answer right, three by two ways to find it wrong", async () => {
    const sound = machine(right, right, right);
    expect(await find(sound, right)).toBe("right");
    expect(sound.asked).toEqual(["run"]);
    expect(await find(sound)).toBe("wrong");
    expect(sound.asked).toEqual(["run", "run", "recheck", "prove"]);
  });

  it("doubts itself whenever its own runs differ, whichever of them is bent", async () => {
    for (const faulty of [
      machine(bent, right, right),
      machine(right, bent, right),
      machine(right, right, bent),
    ])
      expect(await find(faulty)).toBe("doubtful");
  });

  it("doubts itself when a known answer has become wrong, and tries again what failed otherwise", async () => {
    for (const code of ["KERNEL_WRONG", "GOLDEN_MISMATCH", "BUNDLE_CHANGED"])
      expect(await find(machine(right, right, new FatalError(code, "")))).toBe("doubtful");
    const broken = machine(right, right, new RetryableError("MODEL_THREAD_ENDED", ""));
    await expect(find(broken)).rejects.toMatchObject({ code: "MODEL_THREAD_ENDED" });
  });
});
