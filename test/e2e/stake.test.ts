import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DEVNET_PARAMETERS } from "@surety/chain";
import { devAccount, devPrivateKey } from "@surety/chain/testing";
import { openScene, type Scene } from "@surety/service/testing";
import { formatEther } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const SURETY = path.join(import.meta.dirname, "../../cli/bin/surety.js");
const OPERATOR = 3;
const folder = mkdtempSync(path.join(tmpdir(), "surety-stake-"));
const { minStakeWei, unbondingSeconds } = DEVNET_PARAMETERS;

describe("surety stake", () => {
  let scene: Scene;
  let network: string[];
  const stake = (...args: string[]) => {
    const env = { ...process.env, SURETY_PRIVATE_KEY: devPrivateKey(OPERATOR) };
    const call = [SURETY, "stake", ...args, ...network, "--json"];
    const { status, stdout, stderr } = spawnSync(process.execPath, call, { encoding: "utf8", env });
    return { status, stderr, ...(JSON.parse(stdout) as Record<string, never>) };
  };
  beforeAll(async () => {
    scene = await openScene();
    const { fromBlock, ...addresses } = scene.addresses;
    const deployment = path.join(folder, "deployment.json");
    writeFileSync(deployment, JSON.stringify({ ...addresses, startBlock: Number(fromBlock) }));
    network = ["--rpc-url", scene.anvil.url, "--deployment", deployment];
  });
  afterAll(async () => {
    await scene.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("deposits, joins, leaves and withdraws after the unbonding time, and shows all of it", async () => {
    const bundle = path.join(scene.bundlesDir, "mnist");
    const shown = () => stake("show", "--model", bundle);
    const operator = devAccount(OPERATOR).address;
    expect(stake("join", bundle)).toMatchObject({
      status: 1,
      error: { code: "CONTRACT_REVERTED", message: expect.stringContaining("StakeTooLow") },
    });
    expect(stake("deposit", formatEther(minStakeWei * 2n))).toMatchObject({ status: 0, operator });
    expect(stake("join", bundle)).toMatchObject({ status: 0 });
    expect(shown()).toMatchObject({
      ...{ operator, stakeWei: String(minStakeWei * 2n), lockedWei: "0", jailed: false },
      models: [{ modelId: scene.bundle.modelId, serves: true, operators: 1 }],
    });
    expect(stake("withdraw", "request", formatEther(minStakeWei))).toMatchObject({ status: 0 });
    expect(stake("withdraw", "complete")).toMatchObject({ status: 1, error: { code: "STILL_UNBONDING" } });
    await scene.advance(unbondingSeconds + 1);
    expect(stake("withdraw", "complete")).toMatchObject({ status: 0 });
    expect(stake("leave", scene.bundle.modelId)).toMatchObject({ status: 0 });
    expect(shown()).toMatchObject({
      ...{ stakeWei: String(minStakeWei), unbondingWei: "0" },
      models: [{ serves: false, operators: 0 }],
    });
    expect(stake("rewards")).toMatchObject({ status: 0, feesWei: "0", winningsWei: "0" });
  }, 120_000);
});
