import type { Manifest } from "@surety/engine";
import { table } from "./table.ts";

const RUNGS = [
  "u8 activations, 7-bit weights",
  "u8 activations, 8-bit weights",
  "all that f32 sums exactly",
  "all that two f32 sums hold",
  "16-bit activations, 15-bit weights",
];

const share = (ratio: number) => ratio.toExponential(1);

/** What each layer was given on the precision ladder and why, if an agreement was asked for. */
export function describePrecision({ precision: { climb } }: Pick<Manifest, "precision">): string[] {
  if (!climb) return [];
  const { minAgreement, reached, trials, layers, costliest } = climb;
  const lines = [
    `asked for     ${minAgreement}: ${reached ? "reached" : "NOT reached, this is the best of"}${
      reached ? ` after ${trials} trials` : ` ${trials} trials`
    }`,
  ];
  if (layers.length > 0) {
    const rows = layers.map(({ op, node, rung, before, after }) => [
      op,
      node,
      `${rung}: ${RUNGS[rung]}`,
      share(before),
      rung === 4 ? "not measured" : share(after),
    ]);
    lines.push("", ...table(["op", "layer", "rung", "noise it caused", "causes now"], rows, "left"));
  }
  if (!reached && costliest) {
    lines.push(
      "",
      `The layer that costs most: ${costliest.op} "${costliest.node}" on rung ${costliest.rung}, noise to signal ${share(costliest.after)} at the outputs.`,
    );
  }
  return lines;
}
