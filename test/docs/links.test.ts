import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = path.join(import.meta.dirname, "../..");
const pages = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "*.md"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .trim()
  .split("\n");

/** Without what only shows how something is written. */
const proseOf = (page: string) =>
  readFileSync(path.join(ROOT, page), "utf8")
    .replace(/^```.*?^```/gms, "")
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, " "));

/** As GitHub makes anchors of headings. */
const anchorsOf = (page: string) =>
  [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-"),
  );

describe("Markdown pages", () => {
  it.each(pages)("%s links only to what is there", (page) => {
    const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const broken = links.filter((link) => {
      if (/^(https?|mailto):/.test(link)) return false;
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? page : path.join(path.dirname(page), file);
      if (!existsSync(path.join(ROOT, target))) return true;
      return anchor !== undefined && target.endsWith(".md") && !anchorsOf(target).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it("are all reached from the README", () => {
    const reached = new Set<string>();
    const walk = (page: string) => {
      if (reached.has(page) || !page.endsWith(".md") || !existsSync(path.join(ROOT, page))) return;
      reached.add(page);
      for (const [, link = ""] of proseOf(page).matchAll(/\]\(([^)\s#]+)[^)]*\)/g)) {
        if (!/^\w+:/.test(link)) walk(path.join(path.dirname(page), link));
      }
    };
    walk("README.md");
    expect(pages.filter((page) => /^docs\/|^[A-Z]+\.md$/.test(page) && !reached.has(page))).toEqual([]);
  });
});
