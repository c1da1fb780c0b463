import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

/** An element, as far as it is used here: the DOM's own types are not those of Node. */
interface Drawing {
  getAttribute(name: string): string | null;
  setAttribute(name: string, value: string): void;
  readonly outerHTML: string;
}

/**
 * One or more plots, one below the other, as the text of an SVG file. They are drawn without a browser.
 *
 * @param title what the whole shows: for readers of the picture and for those who hear it
 */
export function toSvg(title: string, plots: readonly Plot.PlotOptions[]): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const HEADER = 32;
  let top = HEADER;
  const parts: string[] = [];
  let width = 0;
  for (const options of plots) {
    // An axis label stands in the margin, so the plot has none of its own in HTML.
    const svg = Plot.plot({ ...options, document: document as never }) as unknown as Drawing;
    const size = (name: string) => Number(svg.getAttribute(name));
    svg.setAttribute("y", String(top));
    svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    parts.push(svg.outerHTML);
    top += size("height");
    width = Math.max(width, size("width"));
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 ${width} ${top}" width="${width}" height="${top}" role="img" font-family="system-ui, sans-serif">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${top}" fill="white"/>`,
    `<text x="12" y="22" font-size="15" font-weight="600">${escaped(title)}</text>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
