import { describe, expect, test } from "vitest";
import { parseHash32 } from "./ids.ts";
import { encodeModelHeader, type ModelHeader, modelIdOf } from "./modelHeader.ts";

const hash = (digit: string) => parseHash32(`0x${digit.repeat(64)}`);
const header: ModelHeader = {
  profileVersion: 2,
  programRoot: hash("a"),
  weightsRoot: hash("b"),
  graphHash: hash("c"),
  schemaHash: hash("d"),
  instructionCount: 6,
  weightCount: 9,
  inputBytes: [3136],
  outputs: [{ instruction: 5, bytes: 40 }],
};

describe("model header", () => {
  test("is encoded word by word as Solidity's abi.encode does", () => {
    const words = encodeModelHeader(header).slice(2).match(/.{64}/g) ?? [];
    const number = (value: number) => value.toString(16).padStart(64, "0");
    expect(words).toEqual([
      number(0x20),
      number(2),
      ..."abcd".split("").map((digit) => digit.repeat(64)),
      number(6),
      number(9),
      number(9 * 32),
      number(11 * 32),
      number(1),
      number(3136),
      number(1),
      number(5),
      number(40),
    ]);
  });

  test("every field changes the model id", () => {
    const others: ModelHeader[] = [
      { ...header, profileVersion: 1 },
      { ...header, programRoot: hash("e") },
      { ...header, weightsRoot: hash("e") },
      { ...header, graphHash: hash("e") },
      { ...header, schemaHash: hash("e") },
      { ...header, instructionCount: 7 },
      { ...header, weightCount: 8 },
      { ...header, inputBytes: [3136, 4] },
      { ...header, outputs: [{ instruction: 4, bytes: 40 }] },
      { ...header, outputs: [{ instruction: 5, bytes: 44 }] },
    ];
    expect(new Set([header, ...others].map(modelIdOf)).size).toBe(others.length + 1);
  });
});
