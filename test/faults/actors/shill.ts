import { gameOf } from "@surety/chain";
import type { CommittedTrace } from "@surety/engine";
import { nextMove } from "@surety/protocol";
import { isAddressEqual } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { openTestGameBy, selectionTowards } from "../../../oracle-node/src/testing/scripted-challenger.ts";
import type { Shill } from "../schedule/schedule.ts";
import type { StageSet } from "../stage/stage.ts";
import type { Adversary } from "./adversary.ts";
import type { Truth } from "./truth.ts";

/** Disputes the first right answer that it sees, walks for some moves and falls silent: its bond goes to the poster, if that claims its time. */
export async function sendShill(stage: StageSet, truth: Truth, plan: Shill): Promise<Adversary> {
  const { direct: chain, addresses, bundle } = stage;
  const transactions = await stage.fund(privateKeyToAccount(generatePrivateKey()));
  const { address } = transactions;
  const scene = { chain, addresses, bundle };
  const traces = new Map<string, CommittedTrace>();
  const movesLeft = new Map<bigint, number>();

  return {
    name: `shill ${address.slice(0, 8)}`,
    address,
    async act({ requests, games }) {
      const own = games.find(({ challenger }) => isAddressEqual(challenger, address));
      if (own === undefined) {
        const right = requests.flatMap(({ question, assertions }) =>
          assertions.filter(
            ({ outputRoot, state }) => state === "open" && outputRoot === truth.rightRoot(question),
          ),
        )[0];
        if (right !== undefined) await openTestGameBy(scene, transactions, right.assertionId);
        return;
      }
      const { gameId, assertionId, outcome } = own;
      const left = movesLeft.get(gameId) ?? plan.moves;
      movesLeft.set(gameId, left);
      if (outcome !== undefined || left === 0) return;
      const question = requests.find(({ assertions }) =>
        assertions.some((assertion) => assertion.assertionId === assertionId),
      )?.question;
      if (question === undefined) return;
      const trace = traces.get(question) ?? truth.trace(question);
      traces.set(question, trace);
      const view = await gameOf(chain, addresses, gameId);
      const call = await selectionTowards(scene, gameId, trace, plan);
      if (call !== undefined) {
        await transactions.send(call);
        movesLeft.set(gameId, left - 1);
      } else if (nextMove(view)?.by === "challenger") {
        // Only a step is left, and there is none that proves a right element wrong.
        movesLeft.set(gameId, 0);
      }
    },
    hasGivenUp: (gameId) => movesLeft.get(gameId) === 0,
    async leave() {
      for (const trace of traces.values()) trace.close();
    },
  };
}
