import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@surety/chain/testing";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { offline, ROOT } from "./support/pack.ts";

/** The shell commands of a page, block by block. */
function blocksOf(page: string): string[] {
  const text = readFileSync(path.join(ROOT, "docs", page), "utf8");
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = ""]) => block);
}

/** What runs until Ctrl-C, in a terminal of its own. */
const STAYS = /(surety|run) devnet$|(node|challenger) start /m;

/**
 * A reader at two terminals, who does what the pages say with the packed packages: each terminal's folder and processes go on from page to page. One devnet
 * serves all pages.
 */
describe("the quick starts", () => {
  let port: string;
  const folder = path.join(inject("scratch"), "reader");
  const running: ChildProcess[] = [];
  let cwd = folder;
  beforeAll(async () => {
    mkdirSync(folder);
    port = String(await freePort());
  });
  afterAll(() => {
    for (const child of running) child.kill("SIGKILL");
  });

  const shell = (script: string) => {
    const packed = inject("packed").map((file) => JSON.stringify(file));
    const prelude = [
      "set -eu",
      // The packages are not in a registry before they are published.
      `npm() { if [ "$1" = install ]; then command npm install --no-audit --no-fund --loglevel=error ${packed.join(" ")}; elif [ "$1" = test ]; then ${offline.join(" ")} npm test; else command npm "$@"; fi; }`,
    ];
    const place = path.join(folder, "place");
    const text = script
      .replaceAll("8545", port)
      .replace(/(surety|run) devnet$/m, `surety devnet --port ${port} --explorer-port 0`);
    const child = spawn("bash", ["-c", [...prelude, text, `pwd > ${place}`].join("\n")], {
      cwd,
      env: {
        ...process.env,
        PATH: `${path.join(inject("project"), "node_modules/.bin")}:${process.env.PATH}`,
        // Of the services' APIs: any free one.
        SURETY_PORT: "0",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (output += part));
    return {
      child,
      output: () => output,
      async end() {
        const [status] = await once(child, "close");
        if (status !== 0) throw new Error(`${script} ended with ${status}: ${output.slice(-2_000)}`);
        cwd = readFileSync(place, "utf8").trim();
        return output;
      },
    };
  };

  /** Runs a page's blocks one after the other; gives what they printed. */
  async function follow(page: string): Promise<string> {
    let printed = "";
    for (const block of blocksOf(page)) {
      if (!STAYS.test(block)) {
        printed += await shell(block).end();
        continue;
      }
      const isDevnet = !/ start /.test(block);
      if (isDevnet && existsSync(path.join(cwd, ".surety/devnet/devnet.json"))) continue;
      const { child, output } = shell(`exec ${block.trim().replace(/^npm run /, "surety ")}`);
      running.push(child);
      while (!/^ready |"ready":true/m.test(output())) {
        if (child.exitCode !== null) throw new Error(`${block} ended: ${output()}`);
        await sleep(200);
      }
    }
    return printed;
  }

  it("for developers: a project of one's own, tested, asked, and lied to", async () => {
    const printed = await follow("quickstart-developer.md");
    expect(printed).toMatch(
      /3 passing[\s\S]*DigitConsumer stands at 0x\w{40}\nasked: request 1, \d+ wei\nanswered by 0x\w{40}, .*\nfinal: it is a 1\n[\s\S]*slashed .* ETH/,
    );
  }, 1_800_000);

  it("for operators: from no key to rewards and out again", async () => {
    const printed = await follow("quickstart-operator.md");
    expect(printed).toMatch(/out of the set[\s\S]*8 ETH unbonds/);
  }, 600_000);

  it("for challengers: from no key to a disputed lie", async () => {
    const printed = await follow("quickstart-challenger.md");
    expect(printed).toMatch(/slashed .* ETH/);
  }, 600_000);
});
