import { DOMParser } from "linkedom";
import { expect, test } from "vitest";
import { machineFacts } from "./machine.ts";
import { measure } from "./measure.ts";
import { toChart } from "./report.ts";

test("a benchmark's chart holds every side's ratio, quartiles and time", async () => {
  const spin = (turns: number) => () => {
    for (let i = 0, x = 1; i < turns; i++) x = Math.imul(x, 31);
  };
  const contest = await measure(
    {
      name: "spinning <fast>",
      sides: [
        { name: "short", run: spin(20_000) },
        { name: "long", run: spin(200_000) },
      ],
    },
    3,
  );
  const machine = machineFacts();
  const svg = toChart({ benchmark: "spin", about: "", machine, facts: [], contests: [contest] });
  const document = new DOMParser().parseFromString(svg, "image/svg+xml");
  const titles = [...document.querySelectorAll("title")].map(({ textContent }) => textContent ?? "");
  expect(titles[0]).toContain("spin (");
  for (const { name, ratio } of contest.sides)
    expect(titles.find((title) => title.startsWith(`${name}: `))).toContain(String(ratio.median).slice(0, 3));
  expect(svg).toContain("spinning &lt;fast&gt;: time against the first line");
});
