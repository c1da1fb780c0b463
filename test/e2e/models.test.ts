import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import path from "node:path";
import { requestOf, resultOf } from "@surety/chain";
import { joinedRoot, loadBundle, openModel } from "@surety/engine";
import { parseRequestId } from "@surety/protocol";
import { until } from "@surety/service/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { type RunningOracleNode, startOracleNode } from "../../oracle-node/src/bin/start-oracle-node.ts";
import type { OracleNodeOptions } from "../../oracle-node/src/options/options.ts";
import { openScene, type Scene } from "../../oracle-node/src/testing/scene.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
const SURETY = path.join(import.meta.dirname, "../../cli/bin/surety.js");
let scene: Scene;
let first: RunningOracleNode;

beforeAll(async () => {
  scene = await openScene({ exclusiveSeconds: 2, challengeWindowSeconds: 2 });
  await scene.enlist(2);
  first = await startOracleNode(scene.nodeOptions(1));
});
afterAll(async () => {
  await first?.stop();
  await scene.close();
});

const emptyFolder = () => mkdtempSync(path.join(scene.folder, "models-"));

async function start(options: OracleNodeOptions): Promise<RunningOracleNode> {
  const node = await startOracleNode(options);
  onTestFinished(() => node.stop());
  return node;
}

describe("models by their ids", () => {
  it("starts a node with a model's id alone: it gets it from another node, vets it, and answers", async () => {
    const { modelId } = scene.bundle;
    const bundlesDir = emptyFolder();
    const own = { bundlesDir, models: [modelId], modelSources: [first.url] };
    await start({ ...scene.nodeOptions(2), ...own });
    expect(loadBundle(path.join(bundlesDir, modelId)).modelId).toBe(modelId);
    const id = parseRequestId(await scene.ask(scene.input(0)));
    const status = async () => (await requestOf(scene.chain, scene.addresses, id)).status;
    await until("final", async () => (await status()) === "final", 150_000);
    const session = await openModel(scene.bundle);
    const output = Buffer.concat(await session.run(scene.input(0)));
    await session.release();
    const sizes = scene.bundle.header.outputs.map(({ bytes }) => bytes);
    expect(await resultOf(scene.chain, scene.addresses, id)).toBe(joinedRoot(sizes, output));
  });

  it("does not start where nobody has the model, and gives none where it publishes nothing", async () => {
    const { modelId } = scene.bundle;
    const silent = await start({ ...scene.nodeOptions(3), publish: ["nothing"] });
    expect((await fetch(`${silent.url}/models/${modelId}/manifest.json`)).status).toBe(404);
    const own = { bundlesDir: emptyFolder(), models: [modelId], modelSources: [silent.url] };
    await expect(startOracleNode({ ...scene.nodeOptions(2), ...own })).rejects.toMatchObject({
      code: "MODEL_UNAVAILABLE",
    });
  });

  it("surety model fetch gets it by its id and says where it is; of an unknown id, why not", async () => {
    const out = emptyFolder();
    const run = async (id: string) => {
      const args = ["model", "fetch", id, "--from", first.url, "--out", out, "--json"];
      const child = spawn(process.execPath, [SURETY, ...args], { stdio: ["ignore", "pipe", "inherit"] });
      let text = "";
      child.stdout.on("data", (chunk) => {
        text += chunk;
      });
      const [code] = await once(child, "close");
      return { code, ...JSON.parse(text) };
    };
    const { modelId } = scene.bundle;
    expect(await run(modelId)).toMatchObject({ code: 0, modelId, bundle: path.join(out, modelId) });
    const unknown = `0x${"7".repeat(64)}`;
    expect(await run(unknown)).toMatchObject({ code: 1, error: { code: "MODEL_UNAVAILABLE" } });
    expect(existsSync(path.join(out, unknown))).toBe(false);
  });
});
