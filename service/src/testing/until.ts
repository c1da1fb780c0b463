import { setTimeout as sleep } from "node:timers/promises";

/** Asks again and again until there is an answer. */
export async function until<Value>(
  what: string,
  ask: () => Promise<Value | undefined | false>,
  timeoutMs = 30_000,
): Promise<Value> {
  const startedAt = performance.now();
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() - startedAt > timeoutMs) throw new Error(`${what}: not within ${timeoutMs} ms.`);
    await sleep(100);
  }
}
