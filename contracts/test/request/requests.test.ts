import { commitTensor, inputsRoot, listHash, toHex } from "@surety/engine";
import { type Address, encodeFunctionData, type Hex } from "viem";
import { describe, expect, it } from "vitest";
import { DELIVERIES } from "../../../chain/src/reads/request.ts";
import { countingModel, outputRootOf } from "../support/models.ts";
import { CALLBACK_GAS, requestOf, smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { assigneeOf, eventsOf, ZERO_ADDRESS, ZERO_HASH } from "../support/surety.ts";

const STATUS = { none: 0, open: 1, asserted: 2, final: 3, refunded: 4 };

describe("SuretyOracle: requests", () => {
  const scenario = useSurety(smallModel, smallInput);
  const { modelId } = smallModel;
  const read = <Result>(name: string, ...args: readonly unknown[]) =>
    scenario.surety.read<Result>(scenario.surety.oracle, name, args);
  const call = (name: string, args: readonly unknown[], from = scenario.actors.requester) => ({
    from,
    to: scenario.surety.oracle,
    call: name,
    args,
  });

  describe("quote", () => {
    it("is the base fee and the gas of each callback", async () => {
      expect(await read("quote", modelId, 0, 1, ZERO_ADDRESS, 0n)).toBe(
        scenario.surety.parameters.baseFeeWei,
      );
      for (const [number, delivery] of DELIVERIES.entries()) {
        expect(await read("quote", modelId, CALLBACK_GAS, number, ZERO_ADDRESS, 0n)).toBe(
          scenario.feeOf(CALLBACK_GAS, delivery),
        );
      }
      expect(scenario.feeOf(CALLBACK_GAS, "both") - scenario.feeOf()).toBe(
        BigInt(CALLBACK_GAS) * scenario.surety.parameters.callbackGasPriceWei,
      );
    });

    it("of an unknown model reverts NotRegistered", async () => {
      expect(await scenario.surety.refused(call("quote", [ZERO_HASH, 0, 0, ZERO_ADDRESS, 0n]))).toEqual({
        error: "NotRegistered",
        args: [ZERO_HASH],
      });
    });
  });

  describe("requestInference", () => {
    it("stores the request, roots its input, draws a node and tells all", async () => {
      const { alice, bob, requester } = scenario.actors;
      const { surety, input } = scenario;
      const { receipt, requestId, assignee } = await scenario.request();
      const now = await surety.now();
      expect(requestId).toBe(1n);
      expect([alice, bob]).toContain(assignee);
      expect(eventsOf(receipt)).toMatchObject([
        { name: "Requested", args: { requestId, modelId, requester, input: toHex(input) } },
      ]);
      expect(await read("requestOf", requestId)).toEqual({
        status: STATUS.open,
        requester,
        modelId,
        inputRoot: toHex(listHash([commitTensor(input).root])),
        fee: scenario.feeOf(),
        feeToken: ZERO_ADDRESS,
        bondWei: surety.parameters.assertionBondWei,
        callbackGas: CALLBACK_GAS,
        delivery: 0,
        callbackOwed: false,
        revocationDue: false,
        deadline: now - 1 + 10_000,
        exclusiveUntil: now + surety.parameters.exclusiveSeconds,
        attempt: 0,
        itemCount: 1,
      });
      expect(await read("requestCount")).toBe(1n);
      expect(await read("resultOf", requestId)).toBe(ZERO_HASH);
      expect(await surety.balance(surety.addresses.oracle)).toBe(scenario.feeOf());
    });

    it("nobody knows in a request's own block whom it draws, and nobody can answer it there", async () => {
      const { surety } = scenario;
      const { alice, bob, requester } = scenario.actors;
      const { testClient, publicClient, wallets } = surety.network;
      const data = (functionName: string, args: readonly unknown[]) =>
        encodeFunctionData({ abi: surety.oracle.abi, functionName, args });
      const request = await requestOf(surety, smallModel, smallInput);
      const to = surety.addresses.oracle;
      const gas = 3_000_000n;
      const send = (account: Address, sent: Hex, value = 0n) =>
        wallets[0]?.sendTransaction({ account, to, data: sent, value, gas }) as Promise<Hex>;
      await testClient.setAutomine(false);
      const asked = await send(requester, data("requestInference", [request]), scenario.feeOf());
      const answer = data("post", [1n, scenario.question, scenario.output]);
      const posts = [await send(alice, answer), await send(bob, answer)];
      await testClient.mine({ blocks: 1 });
      await testClient.setAutomine(true);
      expect(await publicClient.getTransactionReceipt({ hash: asked })).toMatchObject({ status: "success" });
      for (const hash of posts)
        expect(await publicClient.getTransactionReceipt({ hash })).toMatchObject({ status: "reverted" });
      // In the context of the request's own block it is not known, not even to whoever asks there.
      expect(await read("assigneeOf", 1n)).toBe(ZERO_ADDRESS);
      const refusal = publicClient.simulateContract({
        address: to,
        abi: surety.oracle.abi,
        functionName: "post",
        args: [1n, scenario.question, scenario.output],
        account: alice,
        blockTag: "latest",
      });
      await expect(refusal).rejects.toMatchObject({ cause: { data: { errorName: "AssigneeUnknown" } } });
      // The very next block knows it.
      const assignee = await assigneeOf(surety, 1n);
      expect([alice, bob]).toContain(assignee);
      const post = (from: Address) => call("post", [1n, scenario.question, scenario.output], from);
      expect(await surety.refused(post(assignee === alice ? bob : alice))).toMatchObject({
        error: "NotYourTurn",
      });
      await surety.send(post(assignee));
    });

    it("draws by chance: both nodes get their turn", async () => {
      const assignees = new Set<string>();
      for (let i = 0; i < 12; i++) assignees.add((await scenario.request()).assignee);
      expect(assignees.size).toBe(2);
    });

    it("several inputs are rooted one by one", async () => {
      const { surety } = scenario;
      const { requester, alice } = scenario.actors;
      const { header } = countingModel(1, 300);
      const two = { ...header, inputBytes: [300, 500] };
      const registered = await surety.send({
        from: requester,
        to: surety.registry,
        call: "register",
        args: [two, ""],
      });
      const id = eventsOf(registered)[0]?.args.modelId as `0x${string}`;
      await surety.send({ from: alice, to: surety.operators, call: "joinModel", args: [id] });
      const data = Uint8Array.from({ length: 800 }, (_, i) => i * 3);
      const args = [{ ...(await requestOf(surety, smallModel, data)), modelId: id }];
      await surety.send({ ...call("requestInference", args), valueWei: scenario.feeOf() });
      expect(await read("requestOf", 1n)).toMatchObject({
        inputRoot: toHex(inputsRoot([data.subarray(0, 300), data.subarray(300)])),
      });
    });

    it("credits what is paid above the fee", async () => {
      const { requester } = scenario.actors;
      const { receipt } = await scenario.request({ valueWei: scenario.feeOf() + 9n });
      expect(eventsOf(receipt, "Credited")).toMatchObject([{ args: { account: requester, amountWei: 9n } }]);
      expect(await read("creditOf", requester)).toBe(9n);
      const before = await scenario.surety.balance(requester);
      const paid = await scenario.surety.send(call("withdraw", []));
      expect(eventsOf(paid)).toMatchObject([
        { name: "Withdrawn", args: { account: requester, amountWei: 9n } },
      ]);
      expect((await scenario.surety.balance(requester)) - before).toBe(9n);
      expect(await scenario.surety.refused(call("withdraw", []))).toEqual({
        error: "NothingToWithdraw",
        args: [],
      });
    });

    const refusedRequest = async (
      changes: Parameters<typeof requestOf>[3] & { input?: Uint8Array; model?: typeof smallModel } = {},
    ) => {
      const { surety } = scenario;
      const request = await requestOf(
        surety,
        changes.model ?? smallModel,
        changes.input ?? smallInput,
        changes,
      );
      const valueWei = changes.valueWei ?? scenario.feeOf();
      return surety.refused({ ...call("requestInference", [request]), valueWei });
    };

    it("paid too little reverts FeeTooLow", async () => {
      expect(await refusedRequest({ valueWei: scenario.feeOf() - 1n })).toEqual({
        error: "FeeTooLow",
        args: [scenario.feeOf() - 1n, scenario.feeOf()],
      });
    });

    it("with a deadline that is now reverts DeadlinePassed", async () => {
      const deadline = (await scenario.surety.now()) + 1;
      expect(await refusedRequest({ deadline })).toEqual({
        error: "DeadlinePassed",
        args: [BigInt(deadline)],
      });
    });

    it("of a model that is not registered reverts NotRegistered", async () => {
      const model = countingModel(2, 7);
      expect(await refusedRequest({ model })).toEqual({ error: "NotRegistered", args: [model.modelId] });
    });

    it("with an input of the wrong size reverts WrongInputSize", async () => {
      expect(await refusedRequest({ input: smallInput.subarray(1) })).toEqual({
        error: "WrongInputSize",
        args: [599n, 600n],
      });
    });

    it("with more callback gas than fits into a block reverts CallbackGasTooHigh: it could never be settled", async () => {
      const error = { error: "CallbackGasTooHigh", args: [5_000_001n, 5_000_000n] };
      expect(await refusedRequest({ callbackGas: 5_000_001, valueWei: 10n ** 18n })).toEqual(error);
      expect(await scenario.surety.refused(call("quote", [modelId, 5_000_001, 0, ZERO_ADDRESS, 0n]))).toEqual(
        error,
      );
      await scenario.request({ callbackGas: 5_000_000 });
    });

    it("of a model that nobody serves reverts NobodyServes", async () => {
      const { surety, actors } = scenario;
      for (const from of [actors.alice, actors.bob]) {
        await surety.send({ from, to: surety.operators, call: "leaveModel", args: [modelId] });
      }
      expect(await refusedRequest()).toEqual({ error: "NobodyServes", args: [modelId] });
    });
  });

  describe("refund", () => {
    it("after the deadline, by anyone, credits the fee to the requester; once", async () => {
      const { requester, stranger, alice } = scenario.actors;
      const { surety } = scenario;
      const { requestId } = await scenario.request();
      const { deadline } = await read<{ deadline: number }>("requestOf", requestId);
      const refund = { ...call("refund", [requestId], stranger), time: deadline + 1 };
      expect(await surety.refused({ ...refund, time: deadline })).toEqual({
        error: "DeadlineNotPassed",
        args: [BigInt(deadline)],
      });
      const receipt = await surety.send(refund);
      expect(eventsOf(receipt, "Refunded")).toMatchObject([
        { args: { requestId, requester, feeToken: ZERO_ADDRESS, fee: scenario.feeOf() } },
      ]);
      expect(await read("creditOf", requester)).toBe(scenario.feeOf());
      expect(await read("requestOf", requestId)).toMatchObject({ status: STATUS.refunded });
      expect(await surety.refused({ ...refund, time: deadline + 2 })).toEqual({
        error: "WrongStatus",
        args: [STATUS.refunded, STATUS.open],
      });
      expect(
        await surety.refused(call("post", [requestId, scenario.question, scenario.output], alice)),
      ).toMatchObject({
        error: "WrongStatus",
      });
    });

    it("of an answered request reverts WrongStatus", async () => {
      const { requestId } = await scenario.posted();
      expect(await scenario.surety.refused(call("refund", [requestId]))).toEqual({
        error: "WrongStatus",
        args: [STATUS.asserted, STATUS.open],
      });
    });

    it("of an unknown request reverts UnknownRequest", async () => {
      expect(await scenario.surety.refused(call("refund", [7n]))).toEqual({
        error: "UnknownRequest",
        args: [7n],
      });
    });
  });

  it("withdraw to a contract that refuses money reverts PaymentFailed and changes nothing", async () => {
    const { surety } = scenario;
    const consumer = await surety.deploy("test-harness/HostileConsumer.sol");
    const execute = (functionName: string, args: readonly unknown[], valueWei = 0n) => ({
      from: scenario.actors.stranger,
      to: consumer,
      call: "execute",
      args: [surety.oracle.address, encodeFunctionData({ abi: surety.oracle.abi, functionName, args })],
      valueWei,
    });
    const request = await requestOf(surety, smallModel, smallInput);
    await surety.send(execute("requestInference", [request], scenario.feeOf() + 5n));
    expect(await surety.refused(execute("withdraw", []))).toEqual({
      error: "PaymentFailed",
      args: [consumer.address, 5n],
    });
    expect(await read("creditOf", consumer.address)).toBe(5n);
  });

  it("views of what does not exist are empty", async () => {
    expect(await read("requestOf", 5n)).toMatchObject({ status: STATUS.none, requester: ZERO_ADDRESS });
    expect(await read("assertionOf", 5n)).toMatchObject({ poster: ZERO_ADDRESS, outputRoot: ZERO_HASH });
    expect(await read("claimOf", 5n)).toMatchObject([ZERO_ADDRESS, ZERO_HASH, ZERO_HASH, ZERO_HASH, false]);
    expect(await read("resultOf", 5n)).toBe(ZERO_HASH);
    expect(outputRootOf(smallModel, scenario.honest)).not.toBe(ZERO_HASH);
  });
});

describe("SuretyOracle: a request older than 256 blocks", () => {
  const scenario = useSurety(smallModel, smallInput, { exclusiveSeconds: 1_000 });

  it("may be answered by anyone who serves the model: the chain has forgotten the hash that drew its assignee", async () => {
    const { surety } = scenario;
    const { alice, bob } = scenario.actors;
    const { requestId, assignee } = await scenario.request();
    const other = assignee === alice ? bob : alice;
    const args = [requestId, scenario.question, scenario.output];
    const post = { from: other, to: surety.oracle, call: "post", args };
    await surety.network.testClient.mine({ blocks: 254 });
    expect(await assigneeOf(surety, requestId)).toBe(assignee);
    expect(await surety.refused(post)).toMatchObject({
      error: "NotYourTurn",
      args: [assignee, expect.any(BigInt)],
    });
    await surety.network.testClient.mine({ blocks: 1 });
    expect(await assigneeOf(surety, requestId)).toBe(ZERO_ADDRESS);
    await surety.send(post);
  });
});
