import { requestOf } from "@surety/chain";
import { createInFlight, createInputFinder } from "@surety/service";
import type { Room } from "../service/room.ts";
import type { AssertionSeen } from "../store/store.ts";
import type { Skip } from "./policy.ts";
import { postedItems, verifyOutput } from "./verify.ts";

/** Verifications handed to the model thread at a time: it runs one, the others wait with their inputs in memory. */
const VERIFICATIONS = 4;

/** Checks every answer that the policy wants checked, and notes what was found. */
export interface Verification {
  tick(): void;
  drained(): Promise<void>;
}

export function createVerification(room: Room): Verification {
  const { chain, addresses, store, bundles, policy, log, metrics, alerts } = room;
  const running = createInFlight(VERIFICATIONS);
  const missingModels = new Set<string>();
  const inputs = createInputFinder({
    sources: room.inputSources,
    references: store.openReferences,
    models: bundles,
    onFound: store.recordInput,
    onError: (where, error) => room.failed("looking for an input", { where })(error),
  });

  function skip(assertion: AssertionSeen, why: Skip): void {
    store.setVerdict(assertion, "skipped");
    metrics.skipped.inc({ why });
    log.debug({ assertionId: String(assertion.assertionId), why }, "not checked: the policy says so");
  }

  async function verify(assertion: AssertionSeen): Promise<void> {
    const { assertionId, requestId, modelId, poster } = assertion;
    const bundle = bundles.find(modelId);
    if (bundle === undefined) return;
    if (policy.asksRequest) {
      const why = policy.skipsRequest(await requestOf(chain, addresses, requestId));
      if (why !== undefined) return skip(assertion, why);
    }
    const stopTimer = metrics.verifySeconds.startTimer();
    const finding = await verifyOutput(room.thread, postedItems(assertion, bundle));
    stopTimer();
    store.setVerdict(assertion, finding);
    metrics.verified.inc({ finding });
    const facts = {
      requestId: String(requestId),
      assertionId: String(assertionId),
      modelId,
      poster,
      finding,
    };
    log[finding === "right" ? "info" : "warn"](facts, "verified");
    if (finding === "wrong") {
      alerts.raise("wrong-answer", "warning", `Answer ${assertionId} of ${poster} is wrong.`, facts);
    }
    if (finding === "doubtful") {
      const text = `This machine contradicts itself about answer ${assertionId}, and stakes nothing on it: look at the machine.`;
      alerts.raise("doubtful", "critical", text, facts);
    }
  }

  return {
    tick() {
      inputs.tick();
      const unverified = store.openAssertions();
      metrics.backlog.set(unverified.length);
      for (const assertion of unverified) {
        const { modelId } = assertion;
        const why = policy.skips(assertion);
        if (why !== undefined) {
          skip(assertion, why);
          continue;
        }
        if (bundles.find(modelId) === undefined) {
          if (!missingModels.has(modelId)) {
            const text = "no bundle of this model: its answers cannot be checked";
            log.warn({ modelId }, text);
            alerts.raise("model-missing", "warning", text, { modelId });
          }
          missingModels.add(modelId);
          continue;
        }
        const assertionId = String(assertion.assertionId);
        running.start(assertionId, () => verify(assertion), room.failed("verification", { assertionId }));
      }
    },
    async drained() {
      await Promise.all([running.drained(), inputs.drained()]);
    },
  };
}
