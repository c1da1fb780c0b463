import { describe, expect, it } from "vitest";
import { parseHash32, parseModelId } from "./ids.ts";
import { questionOf } from "./question.ts";

const hash = (byte: string) => `0x${byte.repeat(32)}`;

describe("questionOf", () => {
  it("is keccak256 of model id and input root, one after the other", () => {
    const question = questionOf(parseModelId(hash("01")), parseHash32(hash("02")));
    expect(question).toBe("0x346d8c96a2454213fcc0daff3c96ad0398148181b9fa6488f7ae2c0af5b20aa0");
    expect(questionOf(parseModelId(hash("02")), parseHash32(hash("01")))).not.toBe(question);
  });
});
