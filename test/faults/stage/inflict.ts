import { existsSync } from "node:fs";
import type { RpcFault } from "@surety/chain/testing";
import { assertNever } from "@surety/protocol";
import {
  CHAIN_SERVICES,
  type ChainServiceName,
  type Fault,
  type RpcTrouble,
  type ServiceName,
  type Target,
} from "../schedule/schedule.ts";
import type { StageSet } from "./stage.ts";

/** Ends a fault. */
export type Heal = () => Promise<void>;

const LIBFAKETIME = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find(existsSync);

/** Whether processes can be given a clock of their own; says so on standard error when not. */
export function canSkewClocks(): boolean {
  if (LIBFAKETIME !== undefined) return true;
  process.stderr.write(
    "SKIPPED: wrong clocks are not tested, for libfaketime is not installed. Debian: apt-get install -y faketime\n",
  );
  return false;
}

/**
 * Begins a fault.
 *
 * @param sender The service whose transaction began the fault's stage, for those that are to hit it.
 */
export async function inflict(stage: StageSet, fault: Fault, sender: ServiceName): Promise<Heal> {
  const { chain, services, taps, disks, redis } = stage;
  switch (fault.kind) {
    case "kill": {
      const service = services[resolve(fault.target, sender)];
      await service.kill();
      return async () => service.start();
    }
    case "freeze": {
      const service = services[resolve(fault.target, sender)];
      service.freeze();
      return async () => service.thaw();
    }
    case "chain-halt":
      chain.halt();
      return async () => chain.run();
    case "chain-kill":
      await chain.crash(fault.lostBlocks);
      return async () => {};
    case "reorg":
      await chain.reorg(fault.depth, fault.keep);
      return async () => {};
    case "rpc": {
      const name = resolve(fault.target, sender);
      const tap = taps[isOnChain(name) ? name : "node B"];
      tap.misbehave(troubleOf(fault.how, await stage.direct.client.getBlockNumber()));
      return async () => tap.misbehave({ kind: "none" });
    }
    case "redis":
      return troubleRedis(redis, fault.how);
    case "clock": {
      const service = services[fault.target];
      await service.kill();
      service.start(clockOff(fault.offBySeconds));
      return async () => {
        // It has its wrong clock for as long as it takes to start, and the time of the fault.
        await service.ready(400_000);
        await service.kill();
        service.start();
      };
    }
    case "disk": {
      const disk = disks[fault.target];
      disk?.fill();
      return async () => disk?.free();
    }
    case "twin": {
      const twin = await stage.twin(fault.target, fault.store);
      twin.service.start();
      // On the same store it must refuse; on its own it works until it is killed.
      if (fault.store === "own") await twin.service.ready(400_000);
      else await refusal(twin.service.exits);
      return twin.close;
    }
    default:
      return assertNever(fault);
  }
}

function isOnChain(name: ServiceName): name is ChainServiceName {
  return CHAIN_SERVICES.some((one) => one === name);
}

function resolve<Name extends ServiceName>(target: Target<Name>, sender: ServiceName): ServiceName {
  return target === "sender" ? sender : target;
}

function troubleOf(how: RpcTrouble, head: bigint): RpcFault {
  switch (how) {
    case "silent":
    case "hang-up":
      return { kind: how };
    case "limited":
      return { kind: "status", status: 429, retryAfterSeconds: 1 };
    case "unavailable":
      return { kind: "status", status: 503 };
    case "behind":
      return { kind: "stuck-at", block: head > 3n ? head - 3n : 0n };
    case "ahead":
      return { kind: "ahead-by", blocks: 7n };
    case "forked":
      return { kind: "fork-from", block: head };
    case "drops-transactions":
      return { kind: "drop-transactions" };
    case "stale-state":
      return { kind: how, blocks: 3n };
    default:
      return assertNever(how);
  }
}

async function troubleRedis(
  redis: StageSet["redis"],
  how: Extract<Fault, { kind: "redis" }>["how"],
): Promise<Heal> {
  switch (how) {
    case "killed":
      await redis.kill();
      return () => redis.start();
    case "frozen":
      redis.freeze();
      return async () => redis.thaw();
    case "disconnected":
      await redis.disconnectAll();
      return async () => {};
    case "full":
      await redis.setFull(true);
      return () => redis.setFull(false);
    case "emptied":
      await redis.clear();
      return async () => {};
    default:
      return assertNever(how);
  }
}

/** The monotonic clock stays right, as it does on a machine whose date is wrong. */
function clockOff(seconds: number): Record<string, string> {
  if (LIBFAKETIME === undefined) throw new Error("libfaketime is not installed.");
  const offset = `${seconds < 0 ? "" : "+"}${seconds}s`;
  return { LD_PRELOAD: LIBFAKETIME, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
}

async function refusal(exits: StageSet["services"]["node A"]["exits"]): Promise<void> {
  const startedAt = performance.now();
  while (exits.length === 0) {
    if (performance.now() - startedAt > 400_000)
      throw new Error("A second process took the store of a running one.");
    await new Promise((again) => setTimeout(again, 100));
  }
  if (exits[0]?.reason !== "STORE_LOCKED") {
    throw new Error(`A second process on the store of a running one ended with ${JSON.stringify(exits[0])}.`);
  }
}
