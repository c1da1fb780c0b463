import { join } from "node:path";
import { type Chain, modelSummary, operatorOf, operatorParameters, serves } from "@surety/chain";
import { siblingModule } from "@surety/protocol";
import {
  type Check,
  chainChecks,
  createLogger,
  type DoctorState,
  examine,
  type Finding,
  fetchWantedModels,
  lookAtModels,
  lookAtStore,
  machineChecks,
  startModelThread,
} from "@surety/service";
import { formatEther, type LocalAccount } from "viem";
import { openServedModels } from "../inference/models.ts";
import type { Results, Task } from "../inference/task.ts";
import type { OracleNodeOptions } from "../options/options.ts";
import { DEFAULT_PORT } from "../options/read-options.ts";
import { openQueues } from "../queue/open-queue.ts";
import { openStore } from "../store/store.ts";

/**
 * Looks at everything a node needs, with the options it would be started with; changes nothing on the chain.
 *
 * @example
 * const findings = await doctor(options);
 * process.exitCode = isFit(findings) ? 0 : 1;
 */
export async function doctor(options: OracleNodeOptions): Promise<Finding[]> {
  const { dataDir = ".surety/oracle-node" } = options;
  const state: DoctorState = {};
  const known = () => ({ chain: state.chain as Chain, account: state.account as LocalAccount });
  const own: Check[] = [
    { name: "models", look: () => lookAtOwnModels(options, dataDir) },
    {
      name: "stake",
      needs: ["rpc", "contracts", "key", "models"],
      look: () => lookAtStake(options, known().chain, known().account),
    },
    {
      name: "store",
      needs: ["rpc", "key", "disk"],
      look: async () => lookAtOwnStore(options, dataDir, known().chain, known().account),
    },
    { name: "queue", look: () => lookAtQueue(options, dataDir) },
  ];
  return examine([...chainChecks(options, state), ...machineChecks(options, dataDir, DEFAULT_PORT), ...own]);
}

type Found = Omit<Finding, "check">;

async function lookAtOwnModels(options: OracleNodeOptions, dataDir: string): Promise<Found[]> {
  const { bundlesDir } = options;
  // The node would fetch them too.
  await fetchWantedModels(options, createLogger("doctor", "silent"));
  const script = siblingModule("../inference/model-worker", import.meta.url);
  const checkedModelsDir = join(dataDir, "checked-models");
  const thread = startModelThread<Task, Results>(script, { checkedModelsDir });
  try {
    const entries = openServedModels(bundlesDir).all();
    return await lookAtModels(entries, (bundleDir) => thread.ask<"open">({ kind: "open", bundleDir }));
  } finally {
    await thread.close();
  }
}

async function lookAtStake(
  options: OracleNodeOptions,
  chain: Chain,
  { address }: LocalAccount,
): Promise<Found[]> {
  const { addresses, bundlesDir } = options;
  const [operator, { minStakeWei, assertionBondWei }] = await Promise.all([
    operatorOf(chain, addresses, address),
    operatorParameters(chain, addresses),
  ]);
  const { stakeWei, lockedWei, jailed } = operator;
  const facts = `${formatEther(stakeWei)}, of it ${formatEther(lockedWei)} behind open answers; ${formatEther(assertionBondWei)} an answer`;
  const found: Found[] = [];
  if (jailed)
    found.push({
      verdict: "bad",
      facts: `${address} is jailed`,
      mend: "docs/protocol.md says how it came to that",
    });
  if (stakeWei < minStakeWei) {
    found.push({
      verdict: "bad",
      facts,
      mend: `deposit at least ${formatEther(minStakeWei - stakeWei)} more`,
    });
  } else if (stakeWei - lockedWei < assertionBondWei) {
    found.push({ verdict: "warning", facts, mend: "deposit more to answer more at once" });
  } else found.push({ verdict: "good", facts });
  for (const { modelId } of openServedModels(bundlesDir).all()) {
    const { registered } = await modelSummary(chain, addresses, modelId);
    const serving = registered && (await serves(chain, addresses, address, modelId));
    if (serving) found.push({ verdict: "good", facts: `in the set of ${modelId}` });
    else if (registered)
      found.push({
        verdict: "warning",
        facts: `not in the set of ${modelId}`,
        mend: "join it, or no request is assigned",
      });
    else
      found.push({
        verdict: "warning",
        facts: `${modelId} is not registered`,
        mend: "register it: nobody can ask for it yet",
      });
  }
  return found;
}

function lookAtOwnStore(
  { addresses }: OracleNodeOptions,
  dataDir: string,
  chain: Chain,
  account: LocalAccount,
): Found {
  const operator = account.address;
  const deployment = `${chain.chainId}/${addresses.oracle}/${addresses.game}/${operator}`.toLowerCase();
  return lookAtStore(dataDir, "node.sqlite", () => {
    const store = openStore({ dataDir, deployment, operator });
    const facts = `${store.openAssertions().length} answers and ${store.openGames().length} games open`;
    store.close();
    return facts;
  });
}

async function lookAtQueue({ queueUrl = "embedded" }: OracleNodeOptions, dataDir: string): Promise<Found> {
  // The embedded one belongs to whoever holds the store.
  if (queueUrl === "embedded") return { verdict: "good", facts: "embedded, in the data directory" };
  const queues = await openQueues({ url: queueUrl, dataDir, owner: "doctor" });
  try {
    await queues.open("inference").counts();
    return { verdict: "good", facts: "answers" };
  } finally {
    await queues.close();
  }
}
