import type { PlannedFault, ServiceName, Stage } from "../schedule/schedule.ts";
import type { Wire } from "./tapped-rpc.ts";

/** When the stages of a schedule begin. */
export interface Stages {
  /** Resolves when a fault is due, with the service whose transaction began its stage; at the end at once. */
  wait(at: PlannedFault["at"]): Promise<ServiceName>;
  enter(stage: Stage, by: ServiceName): void;
  /** No further stage will begin. */
  end(): void;
}

export function createStages(wire: Wire): Stages {
  const times = new Map<Stage, ServiceName[]>();
  const waiting = new Set<() => void>();
  let ended = false;
  const enter = (stage: Stage, by: ServiceName) => {
    times.set(stage, [...(times.get(stage) ?? []), by]);
    for (const look of [...waiting]) look();
  };
  const onSent = (service: string, stage: Stage) => enter(stage, service as ServiceName);
  wire.on("sent", onSent);
  return {
    async wait({ stage, nth, delayMs }) {
      let by: ServiceName = "node A";
      if (stage !== "any") {
        await new Promise<void>((resolve) => {
          const look = () => {
            const found = times.get(stage)?.[nth - 1];
            if (found === undefined && !ended) return;
            by = found ?? times.get(stage)?.at(-1) ?? by;
            waiting.delete(look);
            resolve();
          };
          waiting.add(look);
          look();
        });
      }
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
      return by;
    },
    enter,
    end() {
      ended = true;
      wire.off("sent", onSent);
      for (const look of [...waiting]) look();
    },
  };
}
