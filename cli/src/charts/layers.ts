import * as Plot from "@observablehq/plot";
import type { LayerReport } from "@surety/engine";
import { toSvg } from "./svg.ts";

const WIDTH = 900;

/** Signal over noise in decibels; what is exact to the last bit counts as 200. */
export function decibels(noiseToSignal: number): number {
  return noiseToSignal > 0 ? Math.min(200, -10 * Math.log10(noiseToSignal)) : 200;
}

/** A chart of what every layer costs to dispute and, where it was measured, how exactly it computes on each rung of precision. */
export function layersChart(model: string, { steps, errors }: LayerReport): string {
  const cost = steps.map(({ name, gas, bytes }, index) => ({ layer: index, name, gas, bytes }));
  const accuracy = (errors ?? []).flatMap(({ node, layer, op, errors: byRung }, index) =>
    byRung.map((noise, rung) => ({
      layer: index,
      name: `${op} ${node || layer}`,
      rung: `rung ${rung}`,
      db: decibels(noise),
    })),
  );
  const plots: Plot.PlotOptions[] = [
    {
      ...{ width: WIDTH, height: 260, marginLeft: 70, marginBottom: 40 },
      x: {
        label: "instruction",
        type: "band",
        tickFormat: (index: number) => (index % every(cost.length) ? "" : `${index}`),
      },
      y: { label: "gas of the dearest step, at most", grid: true, tickFormat: "s" },
      marks: [
        Plot.barY(cost, {
          ...{ x: "layer", y: "gas", fill: "#2a6fb0" },
          title: ({ layer, name, gas, bytes }: (typeof cost)[number]) =>
            `${layer}: ${name}: ${gas} gas, ${bytes} bytes`,
        }),
        Plot.ruleY([0]),
      ],
    },
  ];
  if (accuracy.length > 0) {
    plots.push({
      ...{ width: WIDTH, height: 260, marginLeft: 70, marginBottom: 40 },
      x: {
        label: "linear layer",
        type: "point",
        tickFormat: (index: number) => (index % every(errors?.length ?? 1) ? "" : `${index}`),
      },
      y: { label: "signal over noise at the outputs, dB", grid: true },
      color: { legend: false, scheme: "viridis" },
      marks: [
        Plot.dot(accuracy, {
          ...{ x: "layer", y: "db", fill: "rung", r: 4 },
          title: ({ layer, name, rung, db }: (typeof accuracy)[number]) =>
            `${layer}: ${name}, ${rung}: ${db.toFixed(1)} dB`,
        }),
        Plot.ruleY([0]),
      ],
    });
  }
  return toSvg(
    accuracy.length > 0
      ? `${model}: step cost, and accuracy on rungs 0 (dark) to 3 (light), by layer`
      : `${model}: step cost by instruction`,
    plots,
  );
}

/** Which instructions get a number below their bar. */
function every(count: number): number {
  return Math.max(1, Math.ceil(count / 30));
}
