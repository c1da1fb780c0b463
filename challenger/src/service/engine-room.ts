import { errorCode, isRetryable } from "@surety/protocol";
import { createInFlight, reasonOf } from "@surety/service";
import { createAttention } from "../attend/attend.ts";
import { createDefence } from "../defend/defend.ts";
import { createDisputes } from "../dispute/disputes.ts";
import { settleCredit } from "../settle/settle.ts";
import { createVerification } from "../verify/verification.ts";
import type { Room, RoomParameters } from "./room.ts";

/** A reward is taken as soon as a game of one's own has ended; what came in some other way, this often. */
const SETTLE_EVERY_MS = 60_000;

/**
 * Decides from the store what is to be done, and has it done: verify what was posted, open a game on what is wrong, move in every own game, defend who asked
 * for it, take rewards home. `tick` may be called at any time and any number of times; what runs already is not started twice, and what fails is tried again.
 */
export function createEngineRoom(parameters: RoomParameters) {
  const { store, log, metrics, alerts, account } = parameters;
  const jobs = createInFlight();
  const room: Room = {
    ...parameters,
    jobs,
    failed: (what, facts) => (error) => {
      const code = errorCode(error);
      metrics.errors.inc({ code });
      const shown = { ...facts, code, message: reasonOf(error) };
      log[isRetryable(error) ? "warn" : "error"](shown, `${what} failed`);
      if (!isRetryable(error)) alerts.raise("failed", "critical", `${what} failed: ${shown.message}`, shown);
    },
  };
  const verification = createVerification(room);
  const disputes = createDisputes(room);
  const defence = createDefence(room);
  const attention = createAttention(room);
  const sends = !room.watchOnly && !room.dryRun;
  let settledAt = Number.NEGATIVE_INFINITY;
  let settledGames = 0;

  async function settle(): Promise<void> {
    const withdrawnWei = await settleCredit(room);
    if (withdrawnWei === 0n) return;
    metrics.withdrawnWei.inc(Number(withdrawnWei));
    log.info({ withdrawnWei: String(withdrawnWei) }, "reward withdrawn");
  }

  return {
    /**
     * @param headBlock The last block that the store has taken in.
     * @param caughtUp Whether that is the chain's head: before, a game of one's own may not be seen yet.
     */
    tick(headBlock: bigint, caughtUp: boolean): void {
      if (room.isFit()) verification.tick();
      if (!caughtUp) return;
      disputes.tick(headBlock);
      if (!sends) return;
      defence.tick();
      if (room.isFit()) attention.tick(headBlock);
      const ended = store.games(account).filter(({ outcome }) => outcome !== undefined).length;
      if (ended === settledGames && performance.now() - settledAt < SETTLE_EVERY_MS) return;
      settledAt = performance.now();
      settledGames = ended;
      jobs.start("settle", settle, room.failed("settling", {}));
    },
    /** Resolves when what was started is done. */
    async drained(): Promise<void> {
      await Promise.all([jobs.drained(), verification.drained()]);
    },
  };
}
