import type { CommittedTrace } from "@surety/engine";
import { attentionTestsAbi } from "@surety/protocol";
import { type Abi, type Address, type Hex, parseEther } from "viem";
import { expect } from "vitest";
import type { SuretyParameters } from "../../../chain/src/deploy.ts";
import { outputOf } from "./models.ts";
import { commitMove } from "./players.ts";
import { smallInput, smallModel, useSurety } from "./scenario.ts";
import type { At } from "./surety.ts";

const { modelId } = smallModel;
/** An assertion in two asks a watcher, each is audited. */
export const ATTENTION = {
  watcherStakeWei: parseEther("1"),
  rewardWei: parseEther("0.01"),
  fineWei: parseEther("0.05"),
  posterFineWei: parseEther("0.05"),
  askedBps: 5_000,
  auditBps: 10_000,
  bountyBps: 4_000,
  attentionBlocks: 6,
  revealSeconds: 10,
  leaveSeconds: 5_000,
};
export const ATTENTION_TIMES = { challengeWindowSeconds: 60, unbondingSeconds: 1_000 };

/** The deployment with attention tests, and the steps of one. */
export function useAttention(
  changes: Partial<typeof ATTENTION> = {},
  others: Partial<SuretyParameters> = {},
) {
  const parameters = { ...ATTENTION, ...changes };
  const scenario = useSurety(smallModel, smallInput, {
    ...ATTENTION_TIMES,
    ...others,
    attention: parameters,
  });
  const at = (): At => ({
    address: scenario.surety.addresses.attention as Address,
    abi: attentionTestsAbi as Abi,
  });
  const on = (from: Address, call: string, args: readonly unknown[], valueWei = 0n) => ({
    ...{ from, to: at(), call, args, valueWei },
  });
  const read = <Result>(name: string, ...args: readonly unknown[]) =>
    scenario.surety.read<Result>(at(), name, args);
  const watch = (from: Address) =>
    scenario.surety.send(on(from, "watch", [modelId], parameters.watcherStakeWei));
  const fund = (wei: bigint) => scenario.surety.send(on(scenario.actors.requester, "fund", [modelId], wei));
  const attend = async (from: Address, assertionId: bigint, root: Hex, of = from) =>
    scenario.surety.send(
      on(from, "attend", [assertionId, await read("commitmentOf", assertionId, of, root)]),
    );
  /** Lets the blocks pass in which watchers attend. */
  const afterAttention = async (assertionId: bigint) => {
    const { postedBlock } = await scenario.surety.read<{ postedBlock: number }>(
      scenario.surety.oracle,
      "assertionOf",
      [assertionId],
    );
    const { publicClient, testClient } = scenario.surety.network;
    const missing = postedBlock + parameters.attentionBlocks - Number(await publicClient.getBlockNumber());
    if (missing > 0) await testClient.mine({ blocks: missing });
  };
  const audit = async (assertionId: bigint) => {
    await afterAttention(assertionId);
    return scenario.surety.send(on(scenario.actors.stranger, "audit", [assertionId]));
  };
  const commit = (poster: Address, assertionId: bigint, trace: CommittedTrace) =>
    scenario.surety.send({
      ...commitMove(scenario.surety, { model: smallModel, inputs: [smallInput] }, trace, assertionId),
      from: poster,
    });
  const finalise = async (requestId: bigint, trace: CommittedTrace) => {
    const { surety } = scenario;
    const args = [requestId, outputOf(smallModel, trace)];
    const time = (await surety.now()) + ATTENTION_TIMES.challengeWindowSeconds;
    return surety.send({ from: scenario.actors.stranger, to: surety.oracle, call: "finalise", args, time });
  };
  const answer = (trace?: CommittedTrace) => scenario.posted(trace, { delivery: "pull" });
  /** All that is held is owed: stakes, pool, credits. */
  const checkHeld = async (watchers: readonly Address[]) => {
    let owed = await read<bigint>("poolOf", modelId);
    for (const who of new Set([...watchers, ...scenario.surety.accounts])) {
      owed += await read<bigint>("creditOf", who);
      owed += (await read<{ stakeWei: bigint }>("watcherOf", modelId, who)).stakeWei;
    }
    expect(await scenario.surety.balance(at().address)).toBe(owed);
  };
  return {
    scenario,
    parameters,
    at,
    on,
    read,
    watch,
    fund,
    attend,
    afterAttention,
    audit,
    commit,
    finalise,
    answer,
    checkHeld,
  };
}
