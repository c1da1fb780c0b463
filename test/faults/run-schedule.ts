import { setTimeout as sleep } from "node:timers/promises";
import { assertionOf, gameOf, quoteWei, requestInference } from "@surety/chain";
import { nextMove } from "@surety/protocol";
import { isAddressEqual } from "viem";
import type { Adversary } from "./actors/adversary.ts";
import { enlistLiar } from "./actors/liar.ts";
import { sendShill } from "./actors/shill.ts";
import type { Truth } from "./actors/truth.ts";
import { audit, takeStock } from "./check/audit.ts";
import { type Observation, observe } from "./check/observe.ts";
import { checkProcesses, markProcesses } from "./check/processes.ts";
import { describeFault, type Schedule } from "./schedule/schedule.ts";
import { inflict } from "./stage/inflict.ts";
import { STAGE_PARAMETERS, type StageSet } from "./stage/stage.ts";
import { createStages } from "./stage/stages.ts";

export interface ScheduleResult {
  readonly schedule: Schedule;
  readonly seconds: number;
  /** What did not hold; empty for a clean run. */
  readonly violations: readonly string[];
  readonly requests: number;
  readonly lies: number;
  readonly games: number;
}

/** No reorg of a schedule reaches into the one before. */
const BLOCKS_BETWEEN = 6;
const LOOK_MS = 300;
const END_MS = 600_000;

/** Runs one schedule to its end, where everything is healed and settled, and looks whether all is right. */
export async function runSchedule(
  stage: StageSet,
  truth: Truth,
  schedule: Schedule,
): Promise<ScheduleResult> {
  const startedAt = performance.now();
  const { chain, wire } = stage;
  await chain.mine(BLOCKS_BETWEEN);
  const adversaries: Adversary[] = await Promise.all([
    ...schedule.liars.map((liar) => enlistLiar(stage, truth, liar)),
    ...(schedule.shill === undefined ? [] : [sendShill(stage, truth, schedule.shill)]),
  ]);
  await chain.mine(BLOCKS_BETWEEN);
  const before = await takeStock(stage);
  const marks = markProcesses(stage);
  wire.posts.length = 0;

  const stages = createStages(wire);
  const violations: string[] = [];
  const underWay = new Set<string>();
  const faults = schedule.faults.map(async (planned) => {
    const sender = await stages.wait(planned.at);
    const name = describeFault(planned);
    underWay.add(name);
    try {
      const heal = await inflict(stage, planned.fault, sender);
      await sleep(planned.forMs);
      await heal();
    } catch (error) {
      violations.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
    underWay.delete(name);
  });
  let askedAll = false;
  const asking = Promise.all(
    schedule.asks.map(async ({ atMs, image }) => {
      await sleep(atMs);
      await ask(stage, truth.input(image));
      stages.enter("asked", "node A");
    }),
  ).then(() => {
    askedAll = true;
  });

  const asked = schedule.asks.length;
  let seen: Observation = await observe(stage, before.block);
  const acting = new Map<Adversary, Promise<void>>();
  let doneAt: number | undefined;
  try {
    for (;;) {
      await sleep(LOOK_MS);
      seen = await observe(stage, before.block).catch(() => seen);
      for (const adversary of adversaries) {
        if (acting.has(adversary)) continue;
        // What it looked at may be gone by then: it looks again.
        const act = adversary.act(seen).catch(() => {});
        acting.set(adversary, act);
        void act.then(() => acting.delete(adversary));
      }
      if (performance.now() - startedAt > END_MS) {
        violations.push(`not settled after ${END_MS / 1_000} s: ${await describe(stage, seen)}`);
        break;
      }
      if (!askedAll) continue;
      const step = await nextStep(stage, truth, asked, seen, adversaries).catch(() => "wait" as const);
      if (step !== "done") doneAt = undefined;
      if (step === "ask") {
        // A reorg took a request away: whoever made it makes it again.
        await ask(stage, truth.input(schedule.asks[0]?.image ?? 0)).catch(() => {});
      } else if (step === "clock") await chain.age(STAGE_PARAMETERS.clockSeconds + 1);
      else if (step === "window") await chain.age(STAGE_PARAMETERS.challengeWindowSeconds + 1);
      else if (step === "done") {
        // Stages that never came: their faults come now.
        stages.end();
        await Promise.all(faults);
        // Settled for as long as a node's mistake would take to show.
        doneAt ??= performance.now();
        if (performance.now() - doneAt > 1_000) break;
      }
    }
  } finally {
    stages.end();
    await Promise.all([...faults, asking]);
    await Promise.all(acting.values());
  }
  for (const adversary of adversaries) await adversary.leave();
  violations.push(...(await checkProcesses(stage, schedule, marks)));
  seen = await observe(stage, before.block);
  violations.push(...(await audit(stage, truth, asked, before, seen)));
  const answers = seen.requests.flatMap(({ assertions }) => assertions);
  return {
    schedule,
    seconds: (performance.now() - startedAt) / 1_000,
    violations,
    requests: seen.requests.length,
    lies: answers.filter(({ state }) => state === "refuted").length,
    games: seen.games.length,
  };
}

async function ask({ direct, addresses, bundle, asker }: StageSet, input: Uint8Array): Promise<void> {
  const { modelId } = bundle;
  const feeWei = await quoteWei(direct, addresses, modelId);
  const deadline = Number((await direct.client.getBlock()).timestamp) + 50_000_000;
  await asker.send(requestInference(addresses, { modelId, input, feeWei, deadline }));
}

/** What the chain's time has to do: nothing may run out for somebody honest. */
async function nextStep(
  { direct, addresses }: StageSet,
  truth: Truth,
  asked: number,
  { requests, games }: Observation,
  adversaries: readonly Adversary[],
): Promise<"ask" | "wait" | "clock" | "window" | "done"> {
  if (requests.length < asked) return "ask";
  const live = games.filter(({ outcome }) => outcome === undefined);
  if (live.length > 0) {
    const stuck = await Promise.all(
      live.map(async ({ gameId, assertionId, challenger }) => {
        const due = nextMove(await gameOf(direct, addresses, gameId));
        const poster = requests
          .flatMap(({ assertions }) => assertions)
          .find((assertion) => assertion.assertionId === assertionId)?.poster;
        const mover = due?.by === "challenger" ? challenger : due?.by === "poster" ? poster : undefined;
        return adversaries.some(
          ({ address, hasGivenUp }) =>
            mover !== undefined && isAddressEqual(address, mover) && hasGivenUp(gameId),
        );
      }),
    );
    return stuck.every(Boolean) ? "clock" : "wait";
  }
  const standing = requests.map(({ question, assertions }) =>
    assertions.some(
      ({ state, outputRoot }) => state !== "refuted" && outputRoot === truth.rightRoot(question),
    ),
  );
  const isLieOpen = requests.some(({ question, assertions }) =>
    assertions.some(({ state, outputRoot }) => state === "open" && outputRoot !== truth.rightRoot(question)),
  );
  if (!standing.every(Boolean) || isLieOpen) return "wait";
  if (requests.every(({ isFinal }) => isFinal)) return "done";
  const { timestamp } = await direct.client.getBlock();
  const ends = await Promise.all(
    requests
      .flatMap(({ assertions }) => assertions.filter(({ state }) => state === "open"))
      .map(async ({ assertionId }) => (await assertionOf(direct, addresses, assertionId)).windowEndsAt),
  );
  return ends.some((end) => timestamp < end) ? "window" : "wait";
}

async function describe(stage: StageSet, { requests, games }: Observation): Promise<string> {
  const open = requests.filter(({ isFinal }) => !isFinal);
  const live = games.filter(({ outcome }) => outcome === undefined);
  const turns = await Promise.all(
    live.map(async ({ gameId }) => {
      const { phase, turn } = await gameOf(stage.direct, stage.addresses, gameId);
      return `game ${gameId} ${phase} ${turn}`;
    }),
  );
  return [
    ...open.map(
      ({ requestId, assertions }) =>
        `request ${requestId} [${assertions.map(({ poster, state }) => `${poster.slice(0, 8)} ${state}`).join(", ")}]`,
    ),
    ...turns,
  ].join("; ");
}
