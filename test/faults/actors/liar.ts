import {
  assigneeOf,
  depositStake,
  gameOf,
  joinModel,
  leaveModel,
  operatorOf,
  postOutput,
  requestIdOf,
  requestOf,
  serves,
  type TransactionManager,
} from "@surety/chain";
import type { CommittedTrace } from "@surety/engine";
import { defenceCall, nextDefence } from "@surety/oracle-node/testing";
import { parseHash32, questionOf } from "@surety/protocol";
import { isAddressEqual } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import type { Observation } from "../check/observe.ts";
import type { Liar } from "../schedule/schedule.ts";
import { STAGE_PARAMETERS, type StageSet } from "../stage/stage.ts";
import type { Adversary } from "./adversary.ts";
import type { Truth } from "./truth.ts";

/** Joins the model's set with a new account: who is slashed once is jailed for good. */
export async function enlistLiar(stage: StageSet, truth: Truth, plan: Liar): Promise<Adversary> {
  const { direct: chain, addresses, bundle } = stage;
  const account = privateKeyToAccount(generatePrivateKey());
  const transactions: TransactionManager = await stage.fund(account);
  const { address } = transactions;
  await transactions.send(depositStake(addresses, STAGE_PARAMETERS.minStakeWei));
  await transactions.send(joinModel(addresses, bundle.modelId));
  const traces = new Map<string, CommittedTrace>();
  const movesLeft = new Map<bigint, number>();

  function traceOf(question: string): CommittedTrace {
    const hash = parseHash32(question);
    const trace = traces.get(question) ?? truth.lyingTrace(hash, plan.layer, plan.share);
    traces.set(question, trace);
    return trace;
  }

  async function lie({ requests }: Observation): Promise<void> {
    for (const { requestId } of requests) {
      const { status, modelId, inputRoot } = await requestOf(chain, addresses, requestId);
      if (status !== "open") continue;
      const assignee = await assigneeOf(chain, addresses, requestId);
      if (assignee === undefined || !isAddressEqual(assignee, address)) continue;
      const question = questionOf(modelId, inputRoot);
      const output = truth.outputOf(traceOf(question));
      await transactions.send(postOutput(addresses, { requestId, question, output }));
    }
  }

  async function defend({ games, requests }: Observation): Promise<void> {
    for (const { gameId, assertionId, outcome } of games) {
      const request = requests.find(({ requestId }) => requestId === requestIdOf(assertionId));
      const own = request?.assertions.find((assertion) => assertion.assertionId === assertionId);
      if (request === undefined || own === undefined || outcome !== undefined) continue;
      if (!isAddressEqual(own.poster, address)) continue;
      const left = movesLeft.get(gameId) ?? plan.moves;
      movesLeft.set(gameId, left);
      if (left === 0) continue;
      const { question } = request;
      const view = await gameOf(chain, addresses, gameId);
      const move = nextDefence(view, traceOf(question), truth.outputInstructions);
      const call = defenceCall(addresses, { gameId, assertionId, question }, bundle.header, move);
      if (call === undefined) continue;
      await transactions.send(call);
      movesLeft.set(gameId, left - 1);
    }
  }

  return {
    name: `liar ${address.slice(0, 8)}`,
    address,
    async act(seen) {
      await defend(seen);
      await lie(seen);
    },
    hasGivenUp: (gameId) => movesLeft.get(gameId) === 0,
    async leave() {
      for (const trace of traces.values()) trace.close();
      const { jailed } = await operatorOf(chain, addresses, address);
      if (!jailed && (await serves(chain, addresses, address, bundle.modelId))) {
        await transactions.send(leaveModel(addresses, bundle.modelId));
      }
    },
  };
}
