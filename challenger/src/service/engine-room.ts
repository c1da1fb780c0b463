import { isRevert } from "@surety/chain";
import { errorCode, isRetryable, RetryableError } from "@surety/protocol";
import {
  type Alerts,
  createInFlight,
  createInputFinder,
  type InputSources,
  type Logger,
  reasonOf,
} from "@surety/service";
import type { DisputeContext } from "../dispute/context.ts";
import { openDispute } from "../dispute/open.ts";
import { playGame } from "../dispute/play.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { settleCredit } from "../settle/settle.ts";
import type { AssertionSeen, GameSeen } from "../store/store.ts";
import { postedOutput, verifyOutput } from "../verify/verify.ts";

export interface EngineRoomParameters extends DisputeContext {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly alerts: Alerts;
  readonly challengeBondWei: bigint;
  readonly maxFeePerGasCapWei: bigint;
  /** Verify and report, open nothing and play nothing. */
  readonly watchOnly: boolean;
  /** Where the inputs of requests by reference are looked for. */
  readonly inputSources: InputSources;
}

/** Verifications handed to the model thread at a time: it runs one, the others wait with their inputs in memory. */
const VERIFICATIONS = 4;
/** A reward is taken as soon as a game of one's own has ended; what came in some other way, this often. */
const SETTLE_EVERY_MS = 60_000;

/**
 * Decides from the store what is to be done, and has it done: verify what was posted, open a game on what is wrong, move in every own game, take rewards
 * home. `tick` may be called at any time and any number of times; what runs already is not started twice, and what fails is tried again.
 */
export function createEngineRoom(parameters: EngineRoomParameters) {
  const { store, log, metrics, account, watchOnly } = parameters;
  const jobs = createInFlight();
  const verifications = createInFlight(VERIFICATIONS);
  /** Blocks in which games were opened, by assertion: until the store has come that far the game is not seen there. */
  const openedIn = new Map<string, bigint>();
  const missingModels = new Set<string>();
  const inputs = createInputFinder({
    sources: parameters.inputSources,
    references: store.openReferences,
    models: parameters.bundles,
    onFound: store.recordInput,
    onError: (where, error) => failed("looking for an input", { where })(error),
  });
  let settledAt = 0;
  let settledGames = 0;

  function failed(what: string, facts: object) {
    return (error: unknown): void => {
      const code = errorCode(error);
      metrics.errors.inc({ code });
      log[isRetryable(error) ? "warn" : "error"](
        { ...facts, code, message: reasonOf(error) },
        `${what} failed`,
      );
    };
  }

  async function verify(assertion: AssertionSeen): Promise<void> {
    const { assertionId, modelId, input } = assertion;
    const bundle = parameters.bundles.find(modelId);
    if (bundle === undefined) return;
    const stopTimer = metrics.verifySeconds.startTimer();
    const isPosted = postedOutput(assertion, bundle.header);
    const finding = await verifyOutput(parameters.thread, { bundleDir: bundle.dir, input }, isPosted);
    stopTimer();
    store.setVerdict(assertion, finding);
    metrics.verified.inc({ finding });
    log[finding === "right" ? "info" : "warn"](
      { assertionId: String(assertionId), modelId, finding },
      "verified",
    );
  }

  async function open(assertion: AssertionSeen): Promise<void> {
    const { assertionId } = assertion;
    const outcome = await openDispute(
      parameters,
      assertion,
      parameters.challengeBondWei,
      parameters.maxFeePerGasCapWei,
    );
    const facts = { assertionId: String(assertionId), poster: assertion.poster };
    switch (outcome.kind) {
      case "opened":
        metrics.moves.inc({ kind: "open" });
        openedIn.set(String(assertionId), outcome.receipt.blockNumber);
        log.info({ ...facts, transaction: outcome.receipt.transactionHash }, "dispute opened");
        return;
      case "too-late":
        store.setVerdict(assertion, "not-opened");
        log.warn(facts, "wrong answer can no longer be disputed");
        return;
      case "changed":
        log.info(facts, "the assertion changed meanwhile: looking again");
        return;
      case "cannot-afford":
        // May be funded before the window closes: tried again.
        throw new RetryableError(
          "RESERVE_TOO_LOW",
          `The account has ${outcome.balanceWei} wei; a game to its end may take ${outcome.neededWei}. Fund ${account}.`,
        );
    }
  }

  async function play(game: GameSeen): Promise<void> {
    const facts = { gameId: String(game.gameId), assertionId: String(game.assertionId) };
    try {
      const { view, move, receipt } = await playGame(parameters, game);
      if (receipt === undefined) {
        if (move.kind === "wait" && move.why === "nothing-differs") {
          log.error(facts, "the poster's trace is equal to ours: this game cannot be won");
        }
        return;
      }
      metrics.moves.inc({ kind: move.kind });
      log.info(
        {
          ...facts,
          move: move.kind,
          phase: view.phase,
          height: view.height,
          transaction: receipt.transactionHash,
        },
        "moved",
      );
    } catch (error) {
      // The game moved on between reading and sending: the next look sees it as it is.
      if (isRevert(error, "NotYourTurn", "HashMismatch", "WrongPhase", "WrongHeight", "NoTimeout")) return;
      throw error;
    }
  }

  async function settle(): Promise<void> {
    const withdrawnWei = await settleCredit(parameters);
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
      inputs.tick();
      const unverified = store.openAssertions();
      metrics.backlog.set(unverified.length);
      for (const assertion of unverified) {
        const { modelId } = assertion;
        if (parameters.bundles.find(modelId) === undefined) {
          if (!missingModels.has(modelId))
            log.warn({ modelId }, "no bundle of this model: its answers cannot be checked");
          missingModels.add(modelId);
          continue;
        }
        const assertionId = String(assertion.assertionId);
        verifications.start(assertionId, () => verify(assertion), failed("verification", { assertionId }));
      }
      const own = store.games(account);
      const live = own.filter(({ outcome }) => outcome === undefined);
      metrics.liveGames.set(live.length);
      if (watchOnly || !caughtUp) return;
      const disputed = new Set(own.map((game) => game.assertionId));
      for (const assertion of store.openAssertions("wrong")) {
        const assertionId = String(assertion.assertionId);
        if (disputed.has(assertion.assertionId) || (openedIn.get(assertionId) ?? -1n) > headBlock) continue;
        jobs.start(
          `open ${assertionId}`,
          () => open(assertion),
          failed("opening a dispute", { assertionId }),
        );
      }
      for (const game of live) {
        const gameId = String(game.gameId);
        jobs.start(`play ${gameId}`, () => play(game), failed("a move", { gameId }));
      }
      const ended = own.length - live.length;
      if (ended === settledGames && Date.now() - settledAt < SETTLE_EVERY_MS) return;
      settledAt = Date.now();
      settledGames = ended;
      jobs.start("settle", settle, failed("settling", {}));
    },
    /** Resolves when what was started is done. */
    async drained(): Promise<void> {
      await Promise.all([jobs.drained(), verifications.drained(), inputs.drained()]);
    },
  };
}
