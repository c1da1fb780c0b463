import { assertionOf } from "@surety/chain";
import type { AssertionId, ModelId, RequestId } from "@surety/protocol";
import { createInFlight, type Logger } from "@surety/service";
import { createDefence, type DefendContext } from "../defend/defend.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { createDispatcher, type DispatchContext } from "../request/dispatch.ts";
import { createDeliveries } from "../result/deliveries.ts";
import { finaliseAssertion } from "../result/finalise.ts";
import type { ChainClock } from "./chain-clock.ts";

export interface DutiesContext extends DefendContext, Omit<DispatchContext, "nowSeconds"> {
  readonly clock: ChainClock;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Deliver again what consumers of own answers missed. */
  readonly deliver: boolean;
  /** Gives jobs that failed for good a new chance. */
  readonly forgetFailed: () => Promise<void>;
  /** False while the node drains: then it answers nothing new. */
  readonly takesWork: () => boolean;
  readonly onError: (where: string, error: unknown) => void;
}

/** What is due at the chain's present state and time: requests to answer, answers to make final, games to play. */
export interface Duties {
  /** Looks what is due and starts it in the background. */
  tick(): void;
  /** To be called after a reorg. */
  reorged(): void;
  /** Queues the posting of an answer that has just been written down. */
  answered(requestId: RequestId, modelId: ModelId): Promise<void>;
  /** Resolves when nothing runs any more. */
  drained(): Promise<void>;
}

/**
 * What failed for good (a contract's refusal out of an RPC's old state, an RPC that was down for long) gets a new chance after this long, not only at the next
 * start: the chain says whether it is still to be done.
 */
const NEW_CHANCE_MS = 60_000;

export function createDuties(context: DutiesContext): Duties {
  const { chain, addresses, store, clock, metrics, log, takesWork, forgetFailed, onError } = context;
  const jobs = createInFlight();
  const start = (where: string, job: () => Promise<void>) =>
    jobs.start(where, job, (error) => onError(where, error));
  const defence = createDefence(context);
  const dispatcher = createDispatcher({ ...context, nowSeconds: clock.nowSeconds });
  const dispatch = async () => {
    if (takesWork()) await dispatcher.dispatch();
  };
  let forgivenAt = performance.now();
  const windowEnds = new Map<AssertionId, number>();
  const deliveries = createDeliveries(context);

  async function deliverDue(): Promise<void> {
    for (const { requestId } of store.openAssertions()) deliveries.watch(requestId);
    for (const requestId of await deliveries.due()) {
      start(`deliver ${requestId}`, async () => {
        const did = await deliveries.deliver(requestId);
        if (did === "nothing") return;
        metrics.delivered.inc({ what: did });
        log.info({ requestId: String(requestId), did }, "delivered again");
      });
    }
  }

  async function finaliseDue(): Promise<void> {
    const assertions = store.openAssertions();
    metrics.openAssertions.set(assertions.length);
    const open = new Set(assertions.map(({ assertionId }) => assertionId));
    for (const known of windowEnds.keys()) if (!open.has(known)) windowEnds.delete(known);
    for (const assertion of assertions) {
      const { assertionId, requestId } = assertion;
      const endsAt =
        windowEnds.get(assertionId) ?? (await assertionOf(chain, addresses, assertionId)).windowEndsAt;
      windowEnds.set(assertionId, endsAt);
      if (clock.nowSeconds() < endsAt) continue;
      start(`finalise ${assertionId}`, async () => {
        if (!(await finaliseAssertion(context, assertion, clock.nowSeconds()))) return;
        metrics.finalised.inc();
        log.info({ requestId: String(requestId), assertionId: String(assertionId) }, "answer final");
      });
    }
  }

  function defendDue(): void {
    const games = store.openGames();
    metrics.openGames.set(games.length);
    for (const game of games) {
      const { gameId, assertionId, requestId } = game;
      start(`defend ${gameId}`, async () => {
        const kind = await defence.play(game);
        if (kind === undefined) return;
        metrics.defenceMoves.inc({ kind });
        const facts = {
          requestId: String(requestId),
          gameId: String(gameId),
          assertionId: String(assertionId),
        };
        log.info({ ...facts, kind }, "defence move made");
      });
    }
  }

  /** An audited answer whose trace is not shown in time is fined. */
  function showDue(): void {
    for (const audit of store.openAudits()) {
      const assertionId = String(audit.assertionId);
      start(`show ${assertionId}`, async () => {
        if (!(await defence.showTrace(audit))) return;
        metrics.defenceMoves.inc({ kind: "showTrace" });
        log.info({ assertionId }, "trace shown to an audit");
      });
    }
  }

  return {
    tick() {
      // Defence first: it alone has a clock that costs the bond.
      defendDue();
      showDue();
      start("finalise", finaliseDue);
      start("dispatch", dispatch);
      if (context.deliver) start("deliver", deliverDue);
      if (performance.now() - forgivenAt < NEW_CHANCE_MS) return;
      forgivenAt = performance.now();
      start("new chance", forgetFailed);
    },
    reorged: dispatcher.forgetOffers,
    answered: async (requestId, modelId) => {
      if (takesWork()) await dispatcher.answered(requestId, modelId);
    },
    drained: jobs.drained,
  };
}
