import { devAccount } from "@surety/chain/testing";
import { type CommittedTrace, inputsRoot, toHex } from "@surety/engine";
import { attentionTestsAbi, type GameView, parseAssertionId, parseHash32 } from "@surety/protocol";
import { type Abi, type Address, isAddressEqual, parseEther, type TransactionReceipt } from "viem";
import { describe, expect, it } from "vitest";
import { DELIVERIES, type Delivery } from "../../../chain/src/reads/request.ts";
import { delegatedRequestTypedData } from "../../../chain/src/sign/delegated-request.ts";
import { ATTENTION } from "../support/attention.ts";
import { BEHAVIOUR, hostileConsumer } from "../support/consumer.ts";
import { outputOf, outputRootOf } from "../support/models.ts";
import { challengerMove, commitMove, revealMove } from "../support/players.ts";
import { fuzzCount, fuzzSeed, randomFrom } from "../support/random.ts";
import { requestOf, smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { assigneeOf, eventOf, ZERO_ADDRESS } from "../support/surety.ts";
import { TOKEN_PRICES, tokenOf, withFeeTokens } from "../support/token.ts";
import type { Action } from "./action.ts";
import { attentionAction, rootsOf } from "./attention-actions.ts";
import { Ghost, idOf, type Request } from "./ghost.ts";
import { Watching } from "./watching.ts";

/** Each on a fresh deployment: after a while most nodes are jailed, and little happens any more. */
const EPISODES = fuzzCount(12);
const ACTIONS = 450;
/** Attention with certainty, so that what the ghost says of it is certain too. */
const ATTENDED = {
  ...ATTENTION,
  askedBps: 10_000,
  attentionBlocks: 15,
  revealSeconds: 12,
  leaveSeconds: 4_000,
};
/** Bonds of one to two ether, windows of 60 to 120 seconds. */
const PARAMETERS = {
  minStakeWei: 2_500_000_000_000_000_000n,
  ...{ maxAssertionBondWei: parseEther("2"), challengeWindowSeconds: 60, maxChallengeWindowSeconds: 120 },
  ...{ unbondingSeconds: 700, attention: ATTENDED },
};
const RISKS = [0n, 0n, parseEther("15"), parseEther("20")];

const SIGNERS = Array.from({ length: 12 }, (_, i) => devAccount(i));
const signerOf = (who: Address) => {
  const signer = SIGNERS.find(({ address }) => isAddressEqual(address, who));
  if (signer === undefined) throw new Error(`no key of ${who}`);
  return signer;
};

describe("all contracts together, against a ghost", () => {
  const scenario = useSurety(smallModel, smallInput, withFeeTokens(1, PARAMETERS));
  const lie = scenario.lie({ instruction: 2, byte: 5 });
  const seed = fuzzSeed();

  const counts = new Map<string, number>();
  let fines = 0;

  it.each(Array.from({ length: EPISODES }, (_, episode) => episode))(
    `episode %i: ${ACTIONS} random actions are accepted, or refused with the exact error (SURETY_FUZZ_SEED=${seed})`,
    async (episode) => {
      const { surety, honest, question } = scenario;
      const { parameters, read, game, oracle, operators, addresses } = surety;
      const random = randomFrom(seed + episode);
      const consumer = await hostileConsumer(scenario);
      const ghost = new Ghost(parameters, consumer.address);
      const watching = new Watching(ghost, ATTENDED);
      const attention = { address: addresses.attention as Address, abi: attentionTestsAbi as Abi };
      const verifiers: Record<"yes" | "no", Address> = { yes: ZERO_ADDRESS, no: ZERO_ADDRESS };
      for (const [index, word] of (["yes", "no"] as const).entries()) {
        const verifier = await surety.deploy("test-harness/HostileVerifier.sol");
        await surety.send({
          from: surety.accounts[0] as Address,
          to: verifier,
          call: "behave",
          args: [index],
        });
        verifiers[word] = verifier.address;
      }
      const usedNonces = new Set<string>();
      const token = tokenOf(surety);
      const [alice, bob, ...others] = surety.accounts as [Address, Address, ...Address[]];
      const nodes = [alice, bob, ...others.slice(0, 8)];
      const challengers = others.slice(8, 12);
      const watchers = surety.accounts.slice(14, 17);
      const stage = { surety, attention, ghost, watching, random, watchers, rootOf: rootsOf(honest, lie) };
      for (const node of [alice, bob]) {
        Object.assign(ghost.operator(node), { stakeWei: parameters.minStakeWei, serves: true });
        ghost.draws.join(node);
      }
      for (const payer of [...nodes, consumer.address]) {
        await token.mint(payer, 10n ** 18n);
        const approval = token.approval(payer, 10n ** 18n);
        const from = alice;
        await surety.send(payer === consumer.address ? consumer.asConsumer({ ...approval, from }) : approval);
      }
      // Each episode begins with watchers and rewards for them.
      const attended = async (from: Address, call: string, valueWei: bigint) =>
        surety.send({ from, to: attention, call, args: [smallModel.modelId], valueWei });
      for (const watcher of surety.accounts.slice(14, 17)) {
        const { blockNumber } = await attended(watcher, "watch", ATTENDED.watcherStakeWei);
        watching.watch(watcher, blockNumber);
      }
      await attended(alice, "fund", 3n * ATTENDED.rewardWei);
      watching.poolWei += 3n * ATTENDED.rewardWei;
      const burnedBefore = await surety.balance(ZERO_ADDRESS);
      const traceOf = (lies: boolean): CommittedTrace => (lies ? lie : honest);

      /** The view of a game at a stage, as its moves need it. */
      const viewAt = (trace: CommittedTrace, lies: boolean, stage: "trace" | "tensor"): GameView => {
        const instruction = lies ? 2 : 0;
        return {
          assertionId: parseAssertionId(1n),
          challenger: ZERO_ADDRESS,
          phase: stage,
          turn: "challenger",
          turnEndsAt: 0,
          posterSecondsLeft: 0,
          challengerSecondsLeft: 0,
          node: parseHash32(toHex(stage === "trace" ? trace.root : trace.tensorRoot(instruction))),
          height: 2,
          position: 0,
          instruction: stage === "trace" ? 0 : instruction,
          instructionHash: parseHash32(toHex(trace.root)),
          tensorBytes: 600,
          elementBytes: 1,
          bondWei: parameters.challengeBondWei,
        };
      };

      const leaves = (node: Address) => (receipt: TransactionReceipt) => {
        ghost.operator(node).serves = false;
        ghost.draws.leave(node, receipt.blockNumber);
      };

      const onOperators = (now: number): Action | undefined => {
        const from = random.pick(nodes);
        const operator = ghost.operator(from);
        const call = (name: string, args: unknown[] = [], valueWei = 0n) => ({
          from,
          to: operators,
          call: name,
          args,
          valueWei,
        });
        switch (random.int(0, 5)) {
          case 0: {
            const wei = BigInt(random.int(0, 3)) * parameters.assertionBondWei;
            const expected = operator.jailed ? "OperatorJailed" : undefined;
            return {
              name: "deposit",
              call: call("deposit", [], wei),
              expected,
              apply: () => (operator.stakeWei += wei),
            };
          }
          case 1: {
            const expected = ghost.joinError(operator);
            return {
              name: "join",
              call: call("joinModel", [smallModel.modelId]),
              expected,
              apply: () => {
                operator.serves = true;
                ghost.draws.join(from);
              },
            };
          }
          case 2: {
            const expected = operator.serves ? undefined : "NotServing";
            return {
              name: "leave",
              call: call("leaveModel", [smallModel.modelId]),
              expected,
              apply: leaves(from),
            };
          }
          case 4: {
            const other = random.pick(nodes);
            return {
              name: "evict",
              call: call("evict", [other, smallModel.modelId]),
              expected: ghost.evictError(ghost.operator(other)),
              apply: leaves(other),
            };
          }
          case 3: {
            const wei = BigInt(random.int(1, 4)) * (parameters.assertionBondWei / 2n);
            const apply = () => {
              operator.stakeWei -= wei;
              operator.unbondingWei += wei;
              operator.unbondsAt = now + parameters.unbondingSeconds;
            };
            return {
              name: "unbond",
              call: call("beginUnbonding", [wei]),
              expected: ghost.beginUnbondingError(operator, wei),
              apply,
            };
          }
          default:
            return {
              name: "withdraw stake",
              call: call("withdraw"),
              expected: ghost.withdrawStakeError(operator, now),
              apply: () => (operator.unbondingWei = 0n),
            };
        }
      };

      const onOracle = async (now: number): Promise<Action | undefined> => {
        const from = random.pick(nodes);
        const call = (name: string, args: unknown[], valueWei = 0n) => ({
          from,
          to: oracle,
          call: name,
          args,
          valueWei,
        });
        const request = random.pick(ghost.requests.slice(-4));
        const which = random.int(0, 11);
        if (which === 10 && request !== undefined) {
          const word = random.pick(["none", "yes", "no"] as const);
          const who = random.chance(0.8) ? request.requester : from;
          const choose = call("chooseEarlyFinality", [
            request.id,
            word === "none" ? ZERO_ADDRESS : verifiers[word],
          ]);
          return {
            name: "choose a verifier",
            call: who === consumer.address ? consumer.asConsumer(choose) : { ...choose, from: who },
            expected: ghost.chooseError(request, who),
            apply: () => {
              request.verifier = word;
            },
          };
        }
        const hopeful = random.pick(
          ghost.requests.filter(({ status, verifier }) => status === "asserted" && verifier === "yes"),
        );
        // Such answers are seldom, so they are looked for more often.
        if (request !== undefined && (which === 11 || (hopeful !== undefined && random.chance(0.25)))) {
          const chosen = random.chance(0.7) ? (hopeful ?? request) : request;
          const lies = ghost.standing(chosen)?.lies ?? false;
          return {
            name: "finalise early",
            call: call("finaliseEarly", [chosen.id, outputOf(smallModel, traceOf(lies)), "0x"]),
            expected: ghost.finaliseEarlyError(chosen, now),
            apply: () => ghost.finalise(chosen),
          };
        }
        if (which === 0 || request === undefined) {
          const deadline = now + random.pick([5, 60, 400]);
          const delivery = random.pick(DELIVERIES) as Delivery;
          const callbackGas = 700_000;
          const inToken = random.chance(0.4);
          const callbacks = delivery === "both" ? 2n : 1n;
          const valueAtRiskWei = random.pick(RISKS);
          const [bondWei, windowSeconds] = ghost.termsOf(valueAtRiskWei);
          const prices = inToken
            ? TOKEN_PRICES
            : { baseFee: parameters.baseFeeWei, callbackGasPrice: parameters.callbackGasPriceWei };
          const fee =
            (prices.baseFee * bondWei) / parameters.assertionBondWei +
            callbacks * BigInt(callbackGas) * prices.callbackGasPrice;
          const feeToken = inToken ? token.address : ZERO_ADDRESS;
          const terms = { deadline, delivery, callbackGas, feeToken, valueAtRiskWei };
          const args = [await requestOf(surety, smallModel, smallInput, terms)];
          const requester = random.chance(0.7) ? consumer.address : from;
          const opened = (receipt: TransactionReceipt, requester: Address) => {
            const id = eventOf(receipt, "Requested").requestId as bigint;
            const fresh: Request = {
              id,
              status: "open",
              attempt: 0,
              draw: ghost.draws.open(id, 0, receipt),
              exclusiveUntil: now + parameters.exclusiveSeconds,
              ...{ bondWei, windowSeconds, verifier: "none" },
              deadline,
              requester,
              fee,
              inToken,
              delivery,
              told: false,
              callbackOwed: false,
              revocationDue: false,
            };
            ghost.requests.push(fresh);
          };
          if (random.chance(0.3)) {
            const [asked] = args as [Awaited<ReturnType<typeof requestOf>>];
            const signer = signerOf(from);
            const delegation = {
              ...{ requester: random.chance(0.9) ? from : alice, nonce: BigInt(random.int(0, 12)) },
              validUntil: random.chance(0.9) ? now + 5 : now - 1,
              maxFee: random.chance(0.9) ? fee : fee - 1n,
            };
            const typed = delegatedRequestTypedData({
              ...{ chainId: surety.network.chain.id, oracle: oracle.address, request: asked, delegation },
              inputRoot: toHex(inputsRoot([smallInput])),
            });
            const signature = await signer.signTypedData(typed as never);
            const relayed = call("requestInferenceFor", [asked, delegation, signature], inToken ? 0n : fee);
            const nonce = `${delegation.requester} ${delegation.nonce}`;
            return {
              name: "request by signature",
              call: { ...relayed, from: random.pick(challengers) },
              expected: ghost.delegatedError(
                { ...delegation, fee, signer: from, isUsed: usedNonces.has(nonce) },
                now,
              ),
              apply: (receipt) => {
                usedNonces.add(nonce);
                opened(receipt, from);
              },
            };
          }
          const direct = call("requestInference", args, inToken ? 0n : fee);
          return {
            name: "request",
            call: requester === from ? direct : consumer.asConsumer(direct),
            expected: ghost.requestError(),
            apply: (receipt) => opened(receipt, requester),
          };
        }
        if (which <= 2) {
          const lies = random.chance(0.5);
          const block = (await surety.network.publicClient.getBlockNumber()) + 1n;
          const { operator: assignee } = ghost.assignee(request, block);
          expect(await assigneeOf(surety, request.id)).toBe(assignee);
          const inTime = now <= request.exclusiveUntil;
          const able = nodes.filter((node) => ghost.postError(request, node, now, block) === undefined);
          const other = random.pick(able.length > 0 && !inTime ? able : [from]);
          const who = random.chance(inTime ? 0.8 : 0.3) && assignee !== ZERO_ADDRESS ? assignee : other;
          const args = [request.id, question, outputOf(smallModel, traceOf(lies))];
          return {
            name: "post",
            call: { ...call("post", args), from: who },
            expected: ghost.postError(request, who, now, block),
            apply: () => ghost.post(request, who, lies, now, block),
          };
        }
        if (which === 3) {
          const apply = () => {
            request.status = "refunded";
            ghost.creditFee(request, request.requester);
          };
          return {
            name: "refund",
            call: call("refund", [request.id]),
            expected: ghost.refundError(request, now),
            apply,
          };
        }
        if (which === 4) {
          const ledger = random.pick(["game", "oracle", "oracle, in tokens"] as const);
          const inTokens = ledger === "oracle, in tokens";
          const credits = inTokens
            ? ghost.tokenCredits
            : ledger === "game"
              ? ghost.gameCredits
              : ghost.oracleCredits;
          const to = ledger === "game" ? game : oracle;
          const expected = (credits.get(from) ?? 0n) === 0n ? "NothingToWithdraw" : undefined;
          return {
            name: `withdraw from ${ledger}`,
            call: inTokens
              ? { from, to, call: "withdrawToken", args: [token.address] }
              : { from, to, call: "withdraw" },
            expected,
            apply: () => credits.set(from, 0n),
          };
        }
        if (which === 5) {
          const accepts = !ghost.accepts;
          const apply = () => {
            ghost.accepts = accepts;
          };
          const args = [accepts ? BEHAVIOUR.accept : BEHAVIOUR.revert];
          const to = consumer;
          return {
            name: "behave",
            call: { from, to, call: "behave", args },
            expected: undefined,
            apply,
          };
        }
        if (which === 6) {
          const due = random.pick(ghost.requests.filter(({ revocationDue }) => revocationDue));
          const chosen = random.chance(0.7) ? (due ?? request) : request;
          return {
            name: "revoke",
            call: call("revoke", [chosen.id]),
            expected: ghost.revokeError(chosen),
            apply: () => ghost.revoke(chosen),
          };
        }
        if (which === 7) {
          const due = random.pick(ghost.requests.filter(({ callbackOwed }) => callbackOwed));
          const chosen = random.chance(0.7) ? (due ?? request) : request;
          const lies = ghost.standing(chosen)?.lies ?? false;
          return {
            name: "retry",
            call: call("retry", [chosen.id, outputOf(smallModel, traceOf(lies))]),
            expected: ghost.retryError(chosen),
            apply: () => ghost.retry(chosen),
          };
        }
        if (which === 8) {
          const settled = random.pick(ghost.requests.filter(({ status }) => status === "final"));
          const chosen = random.chance(0.7) ? (settled ?? request) : request;
          // What a consumer refuses with is its own affair.
          if (!ghost.accepts) return undefined;
          const lies = ghost.standing(chosen)?.lies ?? false;
          const args = [chosen.id, question, outputOf(smallModel, traceOf(lies)), ZERO_ADDRESS];
          return {
            name: "reuse",
            call: consumer.asConsumer(call("reuse", args, ghost.reuseFeeWei)),
            expected: ghost.reuseError(chosen),
            apply: () => ghost.reuse(chosen),
          };
        }
        const due = random.pick(ghost.requests.filter((any) => ghost.finaliseError(any, now) === undefined));
        const chosen = random.chance(0.7) ? (due ?? request) : request;
        const lies = ghost.standing(chosen)?.lies ?? false;
        const args = [chosen.id, outputOf(smallModel, traceOf(lies))];
        return {
          name: "finalise",
          call: call("finalise", args),
          expected: ghost.finaliseError(chosen, now),
          apply: () => ghost.finalise(chosen),
        };
      };

      const onGame = (now: number): Action | undefined => {
        const decided = random.pick(ghost.games.filter((any) => ghost.stepError(any, now) === undefined));
        const asked = random.pick(watching.audited.filter((any) => ghost.commitError(any) === undefined));
        const assertion = random.pick([decided?.assertion, asked]) ?? random.pick(ghost.assertions.slice(-3));
        if (assertion === undefined) return undefined;
        const trace = traceOf(assertion.lies);
        const knows = { model: smallModel, inputs: [smallInput], own: honest, poster: trace };
        // Who was audited mostly shows its trace.
        const which = assertion === asked && random.chance(0.7) ? 1 : random.int(0, 9);
        if (which === 0) {
          const from = random.pick(challengers);
          const args = [idOf(assertion), question, outputRootOf(smallModel, trace)];
          const call = { from, to: game, call: "open", args, valueWei: parameters.challengeBondWei };
          const apply = (receipt: TransactionReceipt) =>
            ghost.open(eventOf(receipt, "GameOpened").gameId as bigint, assertion, from, now);
          return { name: "open", call, expected: ghost.openError(assertion, from, now), apply };
        }
        if (which <= 2) {
          const call = { ...commitMove(surety, knows, trace, idOf(assertion)), from: assertion.poster };
          return {
            name: "commit",
            call,
            expected: ghost.commitError(assertion),
            apply: () => (assertion.committedAt = now),
          };
        }
        const games = ghost.games.filter((played) => played.assertion === assertion);
        const walked = random.pick(games.filter((any) => any === decided)) ?? random.pick(games);
        if (walked === undefined) return undefined;
        const from = walked.challenger;
        const wins = (receipt: TransactionReceipt) => ghost.challengerWins(walked, now, receipt);
        const picks = () => challengerMove(surety, knows, walked.id, viewAt(trace, assertion.lies, "trace"));
        const tensor = viewAt(trace, assertion.lies, "tensor");
        if (which <= 4)
          return {
            name: "selectTensor",
            call: { ...picks(), from },
            expected: ghost.selectTensorError(walked, now),
            apply: () => ghost.selectTensor(walked, now),
          };
        if (which <= 6) {
          const call = {
            ...revealMove(surety, trace, walked.id, { ...tensor, turn: "poster" }),
            from: random.pick(nodes),
          };
          return {
            name: "revealBytes",
            call,
            expected: ghost.revealError(walked, now),
            apply: () => (assertion.bytesAt = now),
          };
        }
        if (which === 7)
          return {
            name: "step",
            call: { ...challengerMove(surety, knows, walked.id, tensor), from },
            expected: ghost.stepError(walked, now),
            apply: wins,
          };
        if (which === 8) {
          const late = ghost.clock(walked, now).turn;
          const apply = late === "poster-late" ? wins : () => ghost.posterWins(walked);
          return {
            name: "claimTimeout",
            call: { from: random.pick(nodes), to: game, call: "claimTimeout", args: [walked.id] },
            expected: ghost.timeoutError(walked, now),
            apply,
          };
        }
        return {
          name: "closeVoid",
          call: { from: random.pick(nodes), to: game, call: "closeVoid", args: [walked.id] },
          expected: ghost.closeVoidError(walked),
          apply: () => ghost.closeVoid(walked),
        };
      };

      /** What must be true after every action. */
      const checkHeld = async () => {
        const due = ghost.held();
        expect(await surety.balance(addresses.game)).toBe(due.game);
        expect(await surety.balance(addresses.oracle)).toBe(due.oracle);
        expect(await token.balanceOf(addresses.oracle)).toBe(due.tokens);
        expect(await surety.balance(addresses.operators)).toBe(due.operators);
        expect(await surety.balance(attention.address)).toBe(watching.held());
        expect((await surety.balance(ZERO_ADDRESS)) - burnedBefore).toBe(ghost.burnedWei);
        expect({
          provisional: Number(await consumer.read("receivedProvisionally")),
          revoked: Number(await consumer.read("revocations")),
          final: Number(await consumer.read("received")),
        }).toEqual(ghost.heard);
        for (const { id, callbackOwed, revocationDue } of ghost.requests.slice(-4)) {
          expect(await read(oracle, "requestOf", [id])).toMatchObject({ callbackOwed, revocationDue });
        }
        for (const [account, operator] of ghost.operators) {
          expect(operator.lockedWei <= operator.stakeWei).toBe(true);
          const { serves: _, ...rest } = operator;
          expect(await read(operators, "operatorOf", [account])).toEqual(rest);
        }
      };
      for (let i = 0; i < ACTIONS; ) {
        // Mostly the next second; at times past a window, a clock, a deadline, an unbonding.
        const now =
          (await surety.now()) + (random.chance(0.96) ? 1 : random.pick([10, 21, 61, 71, 130, 700, 4_100]));
        const draw = async () => {
          const kind = random.int(0, 9);
          if (kind === 0) return onOperators(now);
          if (kind <= 3) return onOracle(now);
          return kind <= 5 ? attentionAction(stage, now) : onGame(now);
        };
        // Most random actions would be refused: some are drawn again, so that games get to their end too.
        let action = await draw();
        for (let again = 0; again < 6 && action?.expected !== undefined && random.chance(0.75); again++)
          action = await draw();
        if (action === undefined) continue;
        i++;
        const { receipt, error } = await surety.attempt({ ...action.call, time: now });
        expect(error, `action ${i}, ${action.name}`).toBe(action.expected);
        if (receipt !== undefined) action.apply(receipt);
        ghost.look();
        const outcome = `${action.name}: ${error ?? "accepted"}`;
        counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
        if (i % 10 === 0) await checkHeld();
      }
      await checkHeld();
      fines += ghost.fines;
    },
  );

  it("was not vacuous: every action was accepted, and refused in each way that can be reached", () => {
    console.info(JSON.stringify(Object.fromEntries([...counts].sort(([a], [b]) => a.localeCompare(b)))));
    // A watcher's settlement needs an audit, a trace in time and finality: too seldom to be sure of. `adversaries/watchers.test.ts` has it each time.
    for (const name of [
      ...[
        "deposit",
        "join",
        "leave",
        "evict",
        "unbond",
        "withdraw from game",
        "withdraw from oracle",
        "withdraw from oracle, in tokens",
      ],
      ...["request", "post", "finalise", "refund", "retry", "revoke", "reuse"],
      ...["request by signature", "choose a verifier", "finalise early"],
      ...["watch", "stop watching", "withdraw a watcher's stake", "fund", "withdraw from attention"],
      ...["attend", "audit", "show a poster"],
      ...["open", "commit", "selectTensor", "revealBytes", "step", "claimTimeout", "closeVoid"],
    ]) {
      expect(counts.get(`${name}: accepted`), name).toBeGreaterThan(0);
    }
    expect(fines, "turns missed").toBeGreaterThan(0);
    expect([...counts.keys()].filter((outcome) => !outcome.endsWith("accepted")).length).toBeGreaterThan(45);
  });
});
