import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";

const ROOT = path.join(import.meta.dirname, "../..");

interface Dispute {
  liar: string;
  lie: string;
  label: number;
  digit: number;
  answeredBy: string;
  layer: number;
  element: number;
  posted: string;
  expected: string;
  moves: { by: string; move: string; gas: number }[];
  movesBySide: Record<string, number>;
  totalGas: number;
  slashedWei: string;
  paidWei: string;
  burnedWei: string;
}

interface Demo {
  accuracy: { images: number; floatCorrect: number; exactCorrect: number };
  honest: { label: number; digit: number }[];
  disputes: Dispute[];
}

/** `npm run demo -- --json`, as a newcomer would run it: every service is a process of its own. */
describe("the demo", () => {
  let demo: Demo;

  beforeAll(async () => {
    const { stdout } = await promisify(execFile)("npm", ["run", "-s", "demo", "--", "--json"], {
      cwd: ROOT,
      maxBuffer: 1 << 24,
    }).catch((error) => {
      // With --json the demo says there why it failed.
      throw new Error(`${error.message}\n${error.stdout}`, { cause: error });
    });
    demo = JSON.parse(stdout.trim().split("\n").at(-1) as string);
  }, 400_000);

  it("measures the exact model beside the float one on at least 1,000 test digits, within 0.3 points", () => {
    const { images, floatCorrect, exactCorrect } = demo.accuracy;
    expect(images).toBeGreaterThanOrEqual(1_000);
    expect(floatCorrect / images).toBeGreaterThan(0.97);
    expect((floatCorrect - exactCorrect) / images).toBeLessThanOrEqual(0.003);
  });

  it("has the consumer's callback store the right digits", () => {
    expect(demo.honest.length).toBeGreaterThanOrEqual(3);
    for (const { digit, label } of demo.honest) expect(digit).toBe(label);
  });

  it("finds the lie inside the network at its layer and element, slashes, and has another node answer right", () => {
    const [inside] = demo.disputes as [Dispute, Dispute];
    expect([inside.layer, inside.element]).toEqual([1, 3251]);
    expectSettled(inside);
  });

  it("finds the lie about the output in the last layer, slashes, and has another node answer right", () => {
    const [, output] = demo.disputes as [Dispute, Dispute];
    expect(output.layer).toBe(5);
    expectSettled(output);
  });
});

function expectSettled(dispute: Dispute): void {
  const { liar, label, digit, answeredBy, posted, expected, moves, movesBySide, totalGas } = dispute;
  expect(posted).not.toBe(expected);
  expect(digit).toBe(label);
  expect(answeredBy).not.toBe(liar);
  expect(moves[0]?.move).toBe("open");
  for (const side of ["challenger", liar]) expect(movesBySide[side]).toBeLessThanOrEqual(6);
  expect(totalGas).toBeLessThanOrEqual(2_500_000);
  expect(Math.max(...moves.map(({ gas }) => gas))).toBeLessThanOrEqual(1_000_000);
  const [slashed, paid, burned] = [dispute.slashedWei, dispute.paidWei, dispute.burnedWei].map(BigInt) as [
    bigint,
    bigint,
    bigint,
  ];
  expect(slashed).toBeGreaterThan(0n);
  expect(paid).toBeGreaterThan(0n);
  expect(burned).toBeGreaterThan(0n);
  expect(paid + burned).toBe(slashed);
}
