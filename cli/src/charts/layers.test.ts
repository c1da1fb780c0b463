import { readFileSync } from "node:fs";
import path from "node:path";
import { layerReport, modelInputs, readInputs } from "@surety/engine";
import { DOMParser } from "linkedom";
import { expect, test } from "vitest";
import { decibels, layersChart } from "./layers.ts";

const MNIST = path.join(import.meta.dirname, "../../../fixtures/mnist");

/** Texts of an SVG file's titles; throws where tags do not match. */
function titlesOf(svg: string): string[] {
  const open: string[] = [];
  for (const [, closing, name, own] of svg.matchAll(/<(\/?)([a-zA-Z][\w:-]*)(?:"[^"]*"|[^">])*?(\/?)>/g)) {
    if (closing) expect(open.pop()).toBe(name);
    else if (!own) open.push(name as string);
  }
  expect(open).toEqual([]);
  const document = new DOMParser().parseFromString(svg, "image/svg+xml");
  return [...document.querySelectorAll("title")].map(({ textContent }) => textContent ?? "");
}

test("the chart is a sound SVG that holds every layer's step cost and its accuracy on every rung", async () => {
  const model = new Uint8Array(readFileSync(path.join(MNIST, "mnist-8.onnx")));
  const images = readInputs(path.join(MNIST, "train-1000-images-idx3-ubyte.gz"), modelInputs(model));
  const report = await layerReport(model, { calibration: images.slice(0, 16) });
  expect(report.errors?.length).toBe(3);
  const titles = titlesOf(layersChart("mnist <8>", report));
  expect(titles[0]).toContain("mnist <8>: step cost, and accuracy");
  for (const [index, { name, gas, bytes }] of report.steps.entries())
    expect(titles).toContain(`${index}: ${name}: ${gas} gas, ${bytes} bytes`);
  for (const [index, { op, node, layer, errors }] of (report.errors ?? []).entries()) {
    for (const [rung, noise] of errors.entries()) {
      expect(titles).toContain(
        `${index}: ${op} ${node || layer}, rung ${rung}: ${decibels(noise).toFixed(1)} dB`,
      );
    }
    // Two planes of activations and weights leave less noise than one.
    expect(errors[3]).toBeLessThan(errors[0]);
  }
  const costOnly = await layerReport(model);
  expect(titlesOf(layersChart("mnist", costOnly)).length).toBe(1 + costOnly.steps.length);
});

test("decibels are those of a ratio of powers, and 200 where nothing is lost", () => {
  expect(decibels(0.001)).toBeCloseTo(30);
  expect(decibels(0)).toBe(200);
});
