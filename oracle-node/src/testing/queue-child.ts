/**
 * A process that adds numbered jobs to a queue and does them, to be killed at any time; for tests. Arguments: URL, data directory, first job to add, and how many.
 * Writes `added N` once the queue has answered that it has job N, and `done N` when it did it.
 */
import { openQueues } from "../queue/open-queue.ts";

const [url = "", dataDir = "", first = "", count = ""] = process.argv.slice(2);
const say = (text: string) => process.stdout.write(`${text}\n`);

const host = await openQueues({ url, dataDir, owner: "node-a" });
const queue = host.open<{ n: number }>("inference");
await queue.work(async ({ n }) => void say(`done ${n}`), { concurrency: 2, onFailure: () => {} });
say("ready");
for (let n = Number(first); n < Number(first) + Number(count); n++) {
  await queue.add(`job-${n}`, { n }, n);
  say(`added ${n}`);
}
