import { parseArgs } from "node:util";
import { hasPostgresServer, startPostgresServer } from "../../oracle-node/src/testing/postgres-server.ts";
import { hasRedisServer, startRedisServer } from "../../oracle-node/src/testing/redis-server.ts";
import { openScene, type Scene } from "../../oracle-node/src/testing/scene.ts";
import { machineFacts } from "../machine.ts";
import { runChainLoad } from "./chain-load.ts";
import { runQueueLoad } from "./queue-load.ts";
import { chainReport, heading, memoryReport, queueReport } from "./report.ts";

const USAGE = `npm run bench -- load [--requests 10000] [--chain-requests 500] [--comparisons 1000]

Drives requests for MNIST through a node and prints Markdown: --requests through queue and inference with one process for the model, memory watched; --comparisons
with one and two processes and on each kind of queue that is installed; --chain-requests from the chain through queue and inference to the chain. 0 leaves one out.`;

/** Measurements of a node under load: what a second takes, which part is the bottleneck, whether memory stays flat. */
export async function runLoad(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      requests: { type: "string", default: "10000" },
      comparisons: { type: "string", default: "1000" },
      "chain-requests": { type: "string", default: "500" },
      help: { type: "boolean", default: false },
    },
  });
  const counts = [values.requests, values.comparisons, values["chain-requests"]].map(Number);
  if (values.help || counts.some((count) => !Number.isInteger(count) || count < 0)) {
    console.error(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const [requests = 0, comparisons = 0, chainRequests = 0] = counts;
  console.log(heading(machineFacts()));
  const scene = await openScene({ challengeWindowSeconds: 600, unbondingSeconds: 100_000 });
  try {
    if (comparisons > 0) await compare(scene, comparisons);
    if (requests > 0) {
      const load = await runQueueLoad(scene, { requests, processes: 1, queueUrl: "embedded" });
      console.log(memoryReport(load));
    }
    if (chainRequests > 0) console.log(chainReport(await runChainLoad(scene, chainRequests)));
  } finally {
    await scene.close();
  }
}

async function compare(scene: Scene, requests: number): Promise<void> {
  const loads = [];
  for (const processes of [1, 2]) {
    loads.push(await runQueueLoad(scene, { requests, processes, queueUrl: "embedded" }));
  }
  for (const [isHere, start] of [
    [hasRedisServer, () => startRedisServer()],
    [hasPostgresServer, startPostgresServer],
  ] as const) {
    if (!isHere()) continue;
    const server = await start();
    try {
      for (const processes of [1, 2]) {
        loads.push(await runQueueLoad(scene, { requests, processes, queueUrl: server.url }));
      }
    } finally {
      await server.remove();
    }
  }
  console.log(queueReport(loads));
}
