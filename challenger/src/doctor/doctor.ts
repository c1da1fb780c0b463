import { join } from "node:path";
import { type Chain, currentFees, disputeParameters, operatorParameters } from "@surety/chain";
import { siblingModule } from "@surety/protocol";
import {
  type Check,
  chainChecks,
  type DoctorState,
  examine,
  type Finding,
  lookAtModels,
  lookAtStore,
  machineChecks,
  openBundleDirectory,
  startModelThread,
} from "@surety/service";
import { formatEther, type LocalAccount } from "viem";
import type { ChallengerOptions } from "../options/options.ts";
import { DEFAULT_PORT } from "../options/read-options.ts";
import { openStore, storeOwner } from "../store/store.ts";
import type { Answers, Task } from "../verify/task.ts";

/** Gas of a long game's challenger, rounded up: `maxCapital` says it of each before it is opened. */
const GAME_GAS = 5_000_000n;

/**
 * Looks at everything a challenger needs, with the options it would be started with; changes nothing on the chain.
 *
 * @example
 * const findings = await doctor(options);
 * process.exitCode = isFit(findings) ? 0 : 1;
 */
export async function doctor(options: ChallengerOptions): Promise<Finding[]> {
  const { dataDir = ".surety/challenger", addresses } = options;
  const state: DoctorState = {};
  const known = () => ({ chain: state.chain as Chain, account: state.account as LocalAccount });
  const own: Check[] = [
    { name: "models", look: () => lookAtOwnModels(options, dataDir) },
    {
      name: "games",
      needs: ["rpc", "contracts", "key"],
      look: () => lookAtGames(options, known().chain, known().account),
    },
    {
      name: "store",
      needs: ["rpc", "disk"],
      look: async () =>
        lookAtStore(dataDir, "challenger.sqlite", () => {
          const store = openStore({ dataDir, deployment: storeOwner(known().chain.chainId, addresses) });
          const facts = `${store.openAssertions().length} answers to check`;
          store.close();
          return facts;
        }),
    },
  ];
  return examine([...chainChecks(options, state), ...machineChecks(options, dataDir, DEFAULT_PORT), ...own]);
}

async function lookAtOwnModels({ bundlesDir }: ChallengerOptions, dataDir: string) {
  const entries = openBundleDirectory(bundlesDir).all();
  if (entries.length === 0) {
    const facts = `there is no bundle in ${bundlesDir}`;
    return [{ verdict: "bad" as const, facts, mend: "compile a model into it: nothing can be checked" }];
  }
  const script = siblingModule("../verify/model-worker", import.meta.url);
  const checkedModelsDir = join(dataDir, "checked-models");
  const thread = startModelThread<Task, Answers>(script, { checkedModelsDir });
  try {
    return await lookAtModels(entries, (bundleDir) => thread.ask<"open">({ kind: "open", bundleDir }));
  } finally {
    await thread.close();
  }
}

/** How many games the account could open now and play to the end. */
async function lookAtGames(
  { addresses, watchOnly = false, dryRun = false, maxFeePerGasCapWei = 500_000_000_000n }: ChallengerOptions,
  chain: Chain,
  { address }: LocalAccount,
): Promise<Omit<Finding, "check">> {
  const [{ challengeBondWei }, { assertionBondWei }, { maxFeePerGas }, balanceWei] = await Promise.all([
    disputeParameters(chain, addresses),
    operatorParameters(chain, addresses),
    currentFees(chain, maxFeePerGasCapWei),
    chain.client.getBalance({ address }),
  ]);
  const gameWei = challengeBondWei + GAME_GAS * maxFeePerGas;
  const games = balanceWei / gameWei;
  const facts = `a game takes ${formatEther(gameWei)} at most at present fees, and wins a part of ${formatEther(assertionBondWei)}; ${formatEther(balanceWei)} pay for ${games} at once`;
  if (watchOnly || dryRun) return { verdict: "good", facts: `${facts}; none is opened in this mode` };
  if (games === 0n) return { verdict: "bad", facts, mend: `send more to ${address}: no lie can be disputed` };
  const mend = "send more: a liar can lie several times at once";
  return games < 3n ? { verdict: "warning", facts, mend } : { verdict: "good", facts };
}
