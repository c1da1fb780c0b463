import { devAccount } from "@surety/chain/testing";
import { batchRoot, inputsRoot, proveItem, toHex } from "@surety/engine";
import { parseHash32, parseModelId, questionOf } from "@surety/protocol";
import {
  type AbiEvent,
  type AbiFunction,
  type Address,
  encodeFunctionData,
  isAddressEqual,
  toEventSignature,
  toFunctionSignature,
} from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { delegatedRequestTypedData } from "../../chain/src/sign/delegated-request.ts";
import {
  digitImage,
  digitModel,
  modelIdOf,
  outputOf,
  outputRootOf,
  questionFor,
  runModel,
} from "./support/models.ts";
import { readArtifact } from "./support/network.ts";
import { play } from "./support/players.ts";
import { actors } from "./support/scenario.ts";
import { expectSnapshot } from "./support/snapshot.ts";
import {
  type At,
  assigneeOf,
  type CallParameters,
  eventOf,
  type Surety,
  serve,
  startSurety,
  ZERO_ADDRESS,
} from "./support/surety.ts";
import { tokenOf, withFeeTokens } from "./support/token.ts";

const CONTRACTS = [
  "request/ModelRegistry.sol",
  "settle/OperatorRegistry.sol",
  "result/SuretyOracle.sol",
  "result/OracleExtension.sol",
  "dispute/DisputeGame.sol",
  "dispute/StepReferee.sol",
  "examples/DigitReader.sol",
  "finality/StakeQuorum.sol",
  "watch/AttentionTests.sol",
];

/** The gas of attention tests is in `watch/attention-tests.test.ts`; the extension's code is measured as the oracle's. */
const MEASURED_ELSEWHERE = ["watch/AttentionTests.sol", "result/OracleExtension.sol"];

const nameOf = (path: string) => path.replace(/^.*\//, "").replace(/\.sol$/, "");

describe("snapshots", () => {
  it("bytecode sizes: each contract fits", () => {
    const sizes = Object.fromEntries(
      CONTRACTS.map((path) => [nameOf(path), (readArtifact(path).deployedBytecode.length - 2) / 2]),
    );
    for (const size of Object.values(sizes)) expect(size).toBeLessThan(24_576);
    expectSnapshot("bytecode-size.json", sizes);
  });

  it("ABI", () => {
    const signature = (item: { type: string }) => {
      const types = (parameters: readonly unknown[]) =>
        toFunctionSignature({ type: "function", name: "x", inputs: parameters, outputs: [] } as never).slice(
          1,
        );
      if (item.type === "constructor") return `constructor${types((item as AbiFunction).inputs)}`;
      if (item.type === "event") return `event ${toEventSignature(item as AbiEvent)}`;
      if (item.type === "error")
        return `error ${toFunctionSignature({ ...item, type: "function" } as AbiFunction)}`;
      if (item.type !== "function") return item.type;
      const { outputs, stateMutability } = item as AbiFunction;
      return `function ${toFunctionSignature(item as AbiFunction)} ${stateMutability} returns ${types(outputs)}`;
    };
    const abis = CONTRACTS.map((path) => [nameOf(path), readArtifact(path).abi.map(signature).sort()]);
    expectSnapshot("abi.json", Object.fromEntries(abis));
  });
});

describe("gas of every function, MNIST-sized", () => {
  let surety: Surety;
  let reader: At;
  const model = digitModel();
  const image = digitImage();
  const honest = runModel(model, [image]);
  const question = questionFor(model, [image]);
  const lie = runModel(model, [image], { instruction: 1, byte: 12_345 });
  const gas: Record<string, number> = {};
  beforeAll(async () => {
    surety = await startSurety(withFeeTokens(1));
  });
  afterAll(() => surety.close());

  it("is measured in whole lives of requests", async () => {
    const { registry, operators, oracle, game, parameters, read, now } = surety;
    const { alice, bob, challenger, second, requester, stranger } = actors(surety);
    const send = async (name: string, call: CallParameters) => {
      const receipt = await surety.send(call);
      expect(gas[name], name).toBeUndefined();
      gas[name] = Number(receipt.gasUsed);
      return receipt;
    };
    const onOperators = (from: Address, call: string, args: readonly unknown[] = []) => ({
      from,
      to: operators,
      call,
      args,
    });
    const onOracle = (from: Address, call: string, args: readonly unknown[] = []) => ({
      from,
      to: oracle,
      call,
      args,
    });
    const onGame = (from: Address, call: string, args: readonly unknown[] = []) => ({
      from,
      to: game,
      call,
      args,
    });
    const output = outputOf(model, honest);
    const afterWindow = async () => (await now()) + parameters.challengeWindowSeconds;

    await send("ModelRegistry.register", {
      from: requester,
      to: registry,
      call: "register",
      args: [model.header, "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"],
    });
    await send("OperatorRegistry.deposit", {
      ...onOperators(alice, "deposit"),
      valueWei: parameters.minStakeWei,
    });
    await send("OperatorRegistry.joinModel", onOperators(alice, "joinModel", [model.modelId]));
    await send("OperatorRegistry.leaveModel", onOperators(alice, "leaveModel", [model.modelId]));
    await send(
      "OperatorRegistry.beginUnbonding",
      onOperators(alice, "beginUnbonding", [parameters.minStakeWei]),
    );
    await send("OperatorRegistry.withdraw", {
      ...onOperators(alice, "withdraw"),
      time: (await now()) + parameters.unbondingSeconds,
    });
    await serve(surety, alice, model.modelId);
    reader = await surety.deploy("examples/DigitReader.sol", [surety.addresses.oracle, model.modelId]);

    // A request for an account, pulled; with some excess.
    const feeWei = await read<bigint>(oracle, "quote", [model.modelId, 0, 1, ZERO_ADDRESS, 0n]);
    const request = async () => ({
      modelId: model.modelId,
      input: toHex(image),
      callbackGas: 0,
      delivery: 1,
      deadline: (await now()) + 1_000,
      feeToken: ZERO_ADDRESS,
      valueAtRiskWei: 0n,
    });
    const requested = await send("SuretyOracle.requestInference", {
      ...onOracle(requester, "requestInference", [await request()]),
      valueWei: feeWei,
    });
    const { input: calldata } = await surety.network.publicClient.getTransaction({
      hash: requested.transactionHash,
    });
    const bytes = Buffer.from(calldata.slice(2), "hex");
    gas["SuretyOracle.requestInference, its calldata"] = bytes.reduce(
      (sum, byte) => sum + (byte === 0 ? 4 : 16),
      0,
    );
    await send("SuretyOracle.post", onOracle(alice, "post", [1n, question, output]));
    await send("SuretyOracle.finalise, pulled", {
      ...onOracle(stranger, "finalise", [1n, output]),
      time: await afterWindow(),
    });
    await send("SuretyOracle.withdraw", onOracle(alice, "withdraw"));

    // A request of a consumer, delivered.
    const ask = async () => ({
      from: requester,
      to: reader,
      call: "readDigit",
      args: [toHex(image), (await now()) + 1_000],
      valueWei: await read<bigint>(reader, "feeWei"),
    });
    await send("DigitReader.readDigit", await ask());
    await surety.send(onOracle(alice, "post", [2n, question, output]));
    await send("SuretyOracle.finalise, delivered to DigitReader", {
      ...onOracle(stranger, "finalise", [2n, output]),
      time: await afterWindow(),
    });
    const reused = encodeFunctionData({
      abi: oracle.abi,
      functionName: "reuse",
      args: [2n, question, output, ZERO_ADDRESS],
    });
    const taker = await surety.deploy("test-harness/HostileConsumer.sol");
    await send("SuretyOracle.reuse, by a consumer that stores the output", {
      from: stranger,
      to: taker,
      call: "execute",
      args: [oracle.address, reused],
      valueWei: await read<bigint>(oracle, "quoteReuse", [ZERO_ADDRESS]),
    });
    // A delivery that fails, and its retry.
    const hostile = await surety.deploy("test-harness/HostileConsumer.sol");
    await surety.send({ from: stranger, to: hostile, call: "behave", args: [1] });
    const hostileRequest = { ...(await request()), callbackGas: 100_000, delivery: 0 };
    await surety.send({
      from: stranger,
      to: hostile,
      call: "execute",
      args: [
        oracle.address,
        encodeFunctionData({ abi: oracle.abi, functionName: "requestInference", args: [hostileRequest] }),
      ],
      valueWei: await read<bigint>(oracle, "quote", [model.modelId, 100_000, 0, ZERO_ADDRESS, 0n]),
    });
    await surety.send(onOracle(alice, "post", [3n, question, output]));
    await surety.send({ ...onOracle(stranger, "finalise", [3n, output]), time: await afterWindow() });
    await send("SuretyOracle.retry, refused", onOracle(stranger, "retry", [3n, output]));
    // A request that nobody answers.
    await surety.send({ ...onOracle(requester, "requestInference", [await request()]), valueWei: feeWei });
    await send("SuretyOracle.refund", { ...onOracle(stranger, "refund", [4n]), time: (await now()) + 1_001 });

    // A dispute: one changed activation inside the network.
    await surety.send({ ...onOracle(requester, "requestInference", [await request()]), valueWei: feeWei });
    await serve(surety, bob, model.modelId);
    await surety.send(onOracle(alice, "post", [5n, question, outputOf(model, lie)]));
    const assertionId = 5n * 256n;
    const open = (from: Address, root = outputRootOf(model, lie)) => ({
      ...onGame(from, "open", [assertionId, question, root]),
      valueWei: parameters.challengeBondWei,
    });
    const opened = await send("DisputeGame.open", open(challenger));
    const rival = await surety.send(open(second));
    const moves = await play(
      surety,
      { model, inputs: [image], own: honest, poster: lie },
      { gameId: eventOf(opened, "GameOpened").gameId as bigint, posterAddress: alice },
    );
    for (const { call, receipt } of moves) gas[`DisputeGame.${call}`] = Number(receipt.gasUsed);
    expect(moves.map(({ call }) => call)).toEqual([
      "commitTrace",
      "selectTensor",
      "reveal",
      "select",
      "revealBytes",
      "step",
    ]);
    gas["a whole dispute"] = moves.reduce(
      (sum, { receipt }) => sum + Number(receipt.gasUsed),
      Number(opened.gasUsed),
    );
    await send("DisputeGame.closeVoid", onGame(stranger, "closeVoid", [eventOf(rival, "GameOpened").gameId]));
    await send("DisputeGame.withdraw", onGame(challenger, "withdraw"));
    await send("OperatorRegistry.evict", onOperators(stranger, "evict", [alice, model.modelId]));

    // Time-outs of either side.
    await surety.send(onOracle(bob, "post", [5n, question, output]));

    // What the contracts ask of each other, asked in their name; nothing of it stays.
    const before = await surety.snapshot();
    const { testClient } = surety.network;
    const hook = async (caller: At, name: string, to: At, args: readonly unknown[], valueWei = 0n) => {
      await testClient.impersonateAccount({ address: caller.address });
      await testClient.setBalance({ address: caller.address, value: 10n ** 20n });
      const call = name.slice(name.indexOf(".") + 1);
      return send(name, { from: caller.address, to, call, args, valueWei });
    };
    const bondWei = parameters.assertionBondWei;
    await hook(oracle, "OperatorRegistry.lock", operators, [bob, bondWei]);
    await hook(oracle, "OperatorRegistry.unlock", operators, [bob, bondWei]);
    await hook(oracle, "OperatorRegistry.fine", operators, [bob, 10n, alice, 8n]);
    await hook(game, "SuretyOracle.onGameOpened", oracle, [assertionId + 1n]);
    await hook(game, "SuretyOracle.onGameClosed", oracle, [assertionId + 1n]);
    await hook(oracle, "OperatorRegistry.slash", operators, [bob, bondWei, challenger, bondWei / 2n]);
    await surety.revert(before);
    const beforeRefuted = await surety.snapshot();
    await hook(game, "SuretyOracle.onRefuted", oracle, [assertionId + 1n, challenger]);
    await hook(operators, "DisputeGame.onSlashed", game, [challenger], bondWei);
    await hook(oracle, "DigitReader.onInference", reader, [2n, output]);
    await surety.revert(beforeRefuted);

    const again = {
      ...onGame(challenger, "open", [assertionId + 1n, question, outputRootOf(model, honest)]),
    };
    const third = await surety.send({ ...again, valueWei: parameters.challengeBondWei });
    const gameId = eventOf(third, "GameOpened").gameId as bigint;
    await play(
      surety,
      { model, inputs: [image], own: lie, poster: honest },
      { gameId, posterAddress: bob, until: ({ turn }) => turn === "challenger" },
    );
    const id = await surety.snapshot();
    await send("DisputeGame.claimTimeout, of the challenger", {
      ...onGame(stranger, "claimTimeout", [gameId]),
      time: (await now()) + parameters.clockSeconds + 1,
    });
    await surety.revert(id);
    await play(
      surety,
      { model, inputs: [image], own: lie, poster: honest },
      { gameId, posterAddress: bob, until: ({ turn }) => turn === "poster" },
    );
    await send("DisputeGame.claimTimeout, of the poster", {
      ...onGame(stranger, "claimTimeout", [gameId]),
      time: (await now()) + parameters.clockSeconds + 1,
    });

    const of = (name: string) => gas[name] ?? Number.POSITIVE_INFINITY;
    const calldataGas = of("SuretyOracle.requestInference, its calldata");
    expect(of("SuretyOracle.requestInference") - calldataGas).toBeLessThanOrEqual(150_000);
    expect(of("SuretyOracle.post") + of("SuretyOracle.finalise, pulled")).toBeLessThanOrEqual(200_000);
    const delivery = of("SuretyOracle.finalise, delivered to DigitReader") - of("DigitReader.onInference");
    expect(of("SuretyOracle.post") + delivery).toBeLessThanOrEqual(200_000);
    expect(of("DisputeGame.step")).toBeLessThanOrEqual(1_000_000);
    expect(of("a whole dispute")).toBeLessThanOrEqual(2_500_000);
  });

  it("of early finality too", async () => {
    const { oracle, now, read } = surety;
    const { stranger, requester } = actors(surety);
    const operator = surety.accounts[12] as Address;
    const before = await surety.snapshot();
    await serve(surety, operator, model.modelId);
    // Says yes to everything: what a verifier takes itself is its own.
    const verifier = await surety.deploy("test-harness/HostileVerifier.sol");
    const request = {
      ...{ modelId: model.modelId, input: toHex(image), callbackGas: 0, delivery: 1, feeToken: ZERO_ADDRESS },
      valueAtRiskWei: 0n,
      deadline: (await now()) + 1_000,
    };
    const valueWei = await read<bigint>(oracle, "quote", [model.modelId, 0, 1, ZERO_ADDRESS, 0n]);
    const on = (from: Address, call: string, args: readonly unknown[]) => ({ from, to: oracle, call, args });
    const asked = await surety.send({ ...on(requester, "requestInference", [request]), valueWei });
    const requestId = eventOf(asked, "Requested").requestId as bigint;
    const chosen = await surety.send(on(requester, "chooseEarlyFinality", [requestId, verifier.address]));
    gas["SuretyOracle.chooseEarlyFinality"] = Number(chosen.gasUsed);
    const late = (await now()) + surety.parameters.exclusiveSeconds + 1;
    const output = outputOf(model, honest);
    await surety.send({ ...on(operator, "post", [requestId, question, output]), time: late });
    const early = await surety.send(on(stranger, "finaliseEarly", [requestId, output, "0x"]));
    gas["SuretyOracle.finaliseEarly, its verifier aside"] = Number(early.gasUsed);
    await surety.revert(before);
  });

  it("by reference too", async () => {
    const { registry, operators, oracle, read, now } = surety;
    const { requester, stranger } = actors(surety);
    // Who has not been jailed so far.
    const operator = stranger;
    // The size alone matters: nothing is computed.
    const outputs = [{ instruction: 5, bytes_: 2 ** 20 }];
    const header = { ...model.header, inputBytes: [2 ** 20], outputs };
    const modelId = modelIdOf(header);
    const root = model.modelId;
    await surety.send({ from: requester, to: registry, call: "register", args: [header, ""] });
    await serve(surety, operator, modelId);
    const request = {
      modelId,
      input: "0x",
      callbackGas: 0,
      delivery: 1,
      deadline: (await now()) + 1_000,
      feeToken: ZERO_ADDRESS,
      valueAtRiskWei: 0n,
    };
    const send = async (name: string, from: Address, args: readonly unknown[], time?: number) => {
      const base = { from, to: oracle, call: name, args };
      const valueWei = name.startsWith("request")
        ? await read<bigint>(oracle, "quote", [modelId, 0, 1, ZERO_ADDRESS, 0n])
        : 0n;
      const receipt = await surety.send({ ...base, valueWei, ...(time === undefined ? {} : { time }) });
      gas[`SuretyOracle.${name}`] = Number(receipt.gasUsed);
      return receipt;
    };
    const uri = "https://inputs.example.org/3f1c9a7be0d24c55";
    const asked = await send("requestInferenceByReference", requester, [request, root, uri]);
    const requestId = eventOf(asked, "RequestedByReference").requestId as bigint;
    const named = questionOf(parseModelId(modelId), parseHash32(root));
    await send("postByReference", operator, [requestId, named, root, uri]);
    const time = (await now()) + surety.parameters.challengeWindowSeconds;
    await send("finaliseByReference", stranger, [requestId, root], time);
    expect(await read(operators, "serves", [operator, modelId])).toBe(true);
  });

  it("of provisional answers too", async () => {
    const { oracle, game, operators, read, now, network } = surety;
    const { bob, second: operator, stranger } = actors(surety);
    await serve(surety, operator, model.modelId);
    // Alone in the set: among several the number of draws, and so the gas, follows from the block's hash.
    await surety.send({ from: bob, to: operators, call: "leaveModel", args: [model.modelId] });
    expect(await read(operators, "servingCount", [model.modelId])).toBe(1n);
    const consumer = await surety.deploy("test-harness/HostileConsumer.sol");
    const callbackGas = 200_000;
    const input = toHex(image);
    const request = {
      modelId: model.modelId,
      input,
      callbackGas,
      delivery: 3,
      deadline: (await now()) + 1_000,
      feeToken: ZERO_ADDRESS,
      valueAtRiskWei: 0n,
    };
    const data = encodeFunctionData({ abi: oracle.abi, functionName: "requestInference", args: [request] });
    const asked = await surety.send({
      from: stranger,
      to: consumer,
      call: "execute",
      args: [oracle.address, data],
      valueWei: await read<bigint>(oracle, "quote", [model.modelId, callbackGas, 3, ZERO_ADDRESS, 0n]),
    });
    const { requestId } = eventOf(asked, "Requested") as { requestId: bigint };
    const send = async (name: string, from: Address, to: At, args: readonly unknown[]) => {
      const call = name.replace(/^.*\./, "").replace(/,.*$/, "");
      const receipt = await surety.send({ from, to, call, args });
      gas[name] = Number(receipt.gasUsed);
    };
    const output = outputOf(model, lie);
    await send("SuretyOracle.post, told to a consumer", operator, oracle, [requestId, question, output]);
    const before = await surety.snapshot();
    await network.testClient.impersonateAccount({ address: game.address });
    await network.testClient.setBalance({ address: game.address, value: 10n ** 18n });
    const refuted = { from: game.address, to: oracle, call: "onRefuted" };
    await surety.send({ ...refuted, args: [requestId * 256n, stranger] });
    await send("SuretyOracle.revoke", stranger, oracle, [requestId]);
    await network.testClient.impersonateAccount({ address: oracle.address });
    await network.testClient.setBalance({ address: oracle.address, value: 10n ** 18n });
    await send("DigitReader.onProvisionalInference", oracle.address, reader, [requestId, output]);
    await send("DigitReader.onRevoked", oracle.address, reader, [requestId]);
    await surety.revert(before);
  });

  it("of fees in tokens too", async () => {
    const { oracle, parameters, now } = surety;
    const { second: operator, requester, stranger } = actors(surety);
    const token = tokenOf(surety);
    await token.mint(requester, 10n ** 18n);
    await surety.send(token.approval(requester, 10n ** 18n));
    const send = async (name: string, from: Address, args: readonly unknown[], time?: number) => {
      const call = name.replace(/^.*\./, "").replace(/,.*$/, "");
      const receipt = await surety.send({
        ...{ from, to: oracle, call, args },
        ...(time === undefined ? {} : { time }),
      });
      gas[name] = Number(receipt.gasUsed);
      return receipt;
    };
    const request = {
      modelId: model.modelId,
      input: toHex(image),
      callbackGas: 0,
      delivery: 1,
      deadline: (await now()) + 1_000,
      feeToken: token.address,
      valueAtRiskWei: 0n,
    };
    const asked = await send("SuretyOracle.requestInference, paid in a token", requester, [request]);
    const { requestId } = eventOf(asked, "Requested") as { requestId: bigint };
    const output = outputOf(model, honest);
    await surety.send({ from: operator, to: oracle, call: "post", args: [requestId, question, output] });
    const time = (await now()) + parameters.challengeWindowSeconds;
    await send("SuretyOracle.finalise, paid in a token", stranger, [requestId, output], time);
    await send("SuretyOracle.withdrawToken", operator, [token.address]);
  });

  it("of requests by signature too", async () => {
    const { oracle, now, network } = surety;
    const { requester, stranger } = actors(surety);
    const signer = Array.from({ length: 10 }, (_, i) => devAccount(i)).find(({ address }) =>
      isAddressEqual(address, requester),
    ) as ReturnType<typeof devAccount>;
    const valueWei = surety.parameters.baseFeeWei;
    const terms = {
      modelId: model.modelId,
      callbackGas: 0,
      delivery: 1,
      deadline: (await now()) + 1_000,
      feeToken: ZERO_ADDRESS,
      valueAtRiskWei: 0n,
    };
    const inputRoot = toHex(inputsRoot([image]));
    const send = async (call: string, byReference: boolean, uri: string, nonce: bigint) => {
      const delegation = { requester, nonce, validUntil: (await now()) + 100, maxFee: valueWei };
      const typed = delegatedRequestTypedData({
        ...{ chainId: network.chain.id, oracle: oracle.address, request: terms },
        ...{ inputRoot, byReference, uri, delegation },
      });
      const signature = await signer.signTypedData(typed);
      const request = { ...terms, input: byReference ? "0x" : toHex(image) };
      const signed = [delegation, signature];
      const args = byReference ? [request, inputRoot, uri, ...signed] : [request, ...signed];
      const receipt = await surety.send({ from: stranger, to: oracle, call, args, valueWei });
      gas[`SuretyOracle.${call}`] = Number(receipt.gasUsed);
    };
    await send("requestInferenceFor", false, "", 0n);
    await send("requestInferenceByReferenceFor", true, "https://inputs.example.org/3f1c9a7be0d24c55", 1n);
    const cancelled = await surety.send({ from: stranger, to: oracle, call: "cancelNonce", args: [5n] });
    gas["SuretyOracle.cancelNonce"] = Number(cancelled.gasUsed);
  });

  it("of batches too", async () => {
    const { oracle, now, parameters } = surety;
    const { requester, stranger } = actors(surety);
    const count = 8;
    const inputs = Buffer.concat(Array(count).fill(image));
    const output = Buffer.concat(Array(count).fill(Buffer.from(outputOf(model, honest).slice(2), "hex")));
    const terms = { modelId: model.modelId, callbackGas: 0, delivery: 1, feeToken: ZERO_ADDRESS };
    const request = { ...terms, input: toHex(inputs), deadline: (await now()) + 1_000, valueAtRiskWei: 0n };
    const send = async (name: string, from: Address, call: string, args: readonly unknown[], rest = {}) => {
      const receipt = await surety.send({ from, to: oracle, call, args, ...rest });
      gas[`SuretyOracle.${call}, ${name}`] = Number(receipt.gasUsed);
      return receipt;
    };
    const valueWei = BigInt(count) * parameters.baseFeeWei;
    const asked = await send("8 digits", requester, "requestBatch", [request, count], { valueWei });
    const { requestId } = eventOf(asked, "BatchRequested") as { requestId: bigint };
    const named = questionOf(parseModelId(model.modelId), batchRoot([image.length], inputs, count), count);
    const poster = await assigneeOf(surety, requestId);
    await send("8 digits", poster, "post", [requestId, named, toHex(output)]);
    const [item, said] = [
      [image.length, inputs],
      [40, output],
    ].map(([size, all]) => proveItem([size as number], all as Uint8Array, count, 5));
    const shown = [requestId * 256n, 5, item?.root, item?.proof, said?.root, said?.proof];
    await send("of 8 digits", stranger, "showItem", shown);
    // What `maxCapital` reckons with.
    expect(gas["SuretyOracle.showItem, of 8 digits"]).toBeLessThan(150_000);
    const root = batchRoot([40], output, count);
    const time = (await now()) + parameters.challengeWindowSeconds;
    await send("8 digits", stranger, "finaliseByReference", [requestId, root], { time });
  });

  it("is the committed one", () => {
    expectSnapshot("gas.json", gas);
  });

  it("covers every function that changes state", () => {
    const here = CONTRACTS.filter((path) => !MEASURED_ELSEWHERE.includes(path));
    const missing = here.flatMap((path) =>
      readArtifact(path)
        .abi.filter((item): item is AbiFunction => item.type === "function")
        .filter(({ stateMutability }) => stateMutability === "payable" || stateMutability === "nonpayable")
        .map(({ name }) => `${nameOf(path)}.${name}`)
        .filter((name) => !Object.keys(gas).some((key) => key.startsWith(name))),
    );
    expect(missing).toEqual([]);
  });
});
