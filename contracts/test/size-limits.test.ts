import { commitTensor, inputsRoot, listHash, nodeHash, toHex } from "@surety/engine";
import { MAX_CALLDATA_BYTES, parseHash32, parseModelId, questionOf } from "@surety/protocol";
import { encodeFunctionData, type Hex, keccak256 } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Header, modelIdOf } from "./support/models.ts";
import { actors } from "./support/scenario.ts";
import { expectSnapshot } from "./support/snapshot.ts";
import { eventOf, type Surety, serve, startSurety, ZERO_ADDRESS, ZERO_HASH } from "./support/surety.ts";

/** The most gas a transaction may have (EIP-7825). */
const TRANSACTION_GAS = 2 ** 24;
const MAX_BYTES = 240 * 1024;
const MAX_PORTS = 64;
const TRACE_HEIGHT = 20;
/** Levels of the trace that are below the nodes shown by a commitment. */
const HIDDEN_LEVELS = TRACE_HEIGHT - 6;

/** No byte is 0: calldata at its dearest. */
const bytes = Uint8Array.from({ length: MAX_BYTES }, (_, i) => 1 + ((i * 7 + (i >> 8)) % 255));
const cut = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    bytes.subarray((i * MAX_BYTES) / count, ((i + 1) * MAX_BYTES) / count),
  );
const hash = (text: string) =>
  Buffer.from(keccak256(`0x${Buffer.from(text).toString("hex")}`).slice(2), "hex");

describe("at the size limits", () => {
  let surety: Surety;
  const gas: Record<string, number> = {};
  beforeAll(async () => {
    surety = await startSurety();
  });
  afterAll(() => surety.close());

  const shapes = [
    ["one tensor each", 1],
    ["64 tensors each", MAX_PORTS],
  ] as const;
  it.each(shapes)("%s: every transaction of a request fits", async (shape, ports) => {
    const { oracle, game, registry, parameters, read, now } = surety;
    const { alice, challenger, requester, stranger } = actors(surety);
    const send = async (name: string, call: Parameters<typeof surety.send>[0]) => {
      const receipt = await surety.send({ ...call, gas: BigInt(TRANSACTION_GAS) });
      gas[`${name}, ${shape}`] = Number(receipt.gasUsed);
      return receipt;
    };
    // Outputs far from each other and in falling order: the longest proof, the most sorting.
    const instructions = Array.from(
      { length: ports },
      (_, i) => (ports - 1 - i) * 2 ** HIDDEN_LEVELS + (i % 2 === 0 ? 0 : 2 ** HIDDEN_LEVELS - 1),
    );
    const tensors = cut(ports);
    const header: Header = {
      profileVersion: 2,
      programRoot: keccak256("0x03"),
      weightsRoot: ZERO_HASH,
      graphHash: keccak256("0x01"),
      schemaHash: keccak256("0x02"),
      instructionCount: 2 ** TRACE_HEIGHT,
      weightCount: 0,
      inputBytes: tensors.map((tensor) => tensor.length),
      outputs: tensors.map((tensor, i) => ({
        instruction: instructions[i] as number,
        bytes_: tensor.length,
      })),
    };
    const modelId = modelIdOf(header);
    const question = questionOf(parseModelId(modelId), parseHash32(toHex(inputsRoot(tensors))));
    const outputRoots = tensors.map((tensor) => commitTensor(tensor).root);
    await send("ModelRegistry.register", {
      from: requester,
      to: registry,
      call: "register",
      args: [header, ""],
    });
    await serve(surety, alice, modelId);

    // A consumer that takes all of the dearest callback's gas.
    const consumer = await surety.deploy("test-harness/HostileConsumer.sol");
    await surety.send({ from: stranger, to: consumer, call: "behave", args: [2] });
    const callbackGas = await read<number>(oracle, "MAX_CALLBACK_GAS");
    const request = {
      ...{
        modelId,
        input: toHex(bytes),
        callbackGas,
        delivery: 0,
        deadline: (await now()) + 1_000,
        feeToken: ZERO_ADDRESS,
        valueAtRiskWei: 0n,
      },
    };
    const data = encodeFunctionData({ abi: oracle.abi, functionName: "requestInference", args: [request] });
    const asked = await send("SuretyOracle.requestInference", {
      from: stranger,
      to: consumer,
      call: "execute",
      args: [oracle.address, data],
      valueWei: await read<bigint>(oracle, "quote", [modelId, callbackGas, 0, ZERO_ADDRESS, 0n]),
    });
    const requestId = eventOf(asked, "Requested").requestId as bigint;
    const assertionId = requestId * 256n;
    const output = toHex(bytes);
    const onOracle = (call: string, args: readonly unknown[]) => ({ from: alice, to: oracle, call, args });
    await send("SuretyOracle.post", onOracle("post", [requestId, question, output]));

    // A trace with these outputs in it, everything else invented.
    const shown: Hex[] = Array.from({ length: 64 }, (_, i) => toHex(hash(`node ${i}`)));
    const proof: Hex[] = [];
    const order = instructions.map((_, i) => ports - 1 - i);
    const paths = order.map((i) => ({ at: instructions[i] as number, node: outputRoots[i] as Uint8Array }));
    for (let level = 0; level < HIDDEN_LEVELS; level++) {
      for (const path of paths) {
        const sibling = hash(`sibling ${level} ${path.at}`);
        proof.push(toHex(sibling));
        path.node = path.at % 2 === 0 ? nodeHash(path.node, sibling) : nodeHash(sibling, path.node);
        path.at = Math.floor(path.at / 2);
      }
    }
    for (const { at, node } of paths) shown[at] = toHex(node);
    let known = new Set(paths.map(({ at }) => at));
    let level = shown.map((node) => Buffer.from(node.slice(2), "hex") as Uint8Array);
    while (level.length > 1) {
      for (const at of known) if (!known.has(at ^ 1)) proof.push(toHex(level[at ^ 1] as Uint8Array));
      known = new Set([...known].map((at) => at >> 1));
      level = Array.from({ length: level.length / 2 }, (_, i) =>
        nodeHash(level[2 * i] as Uint8Array, level[2 * i + 1] as Uint8Array),
      );
    }
    const root = toHex(level[0] as Uint8Array);
    await send("DisputeGame.open", {
      from: challenger,
      to: game,
      call: "open",
      args: [assertionId, question, toHex(listHash(outputRoots))],
      valueWei: parameters.challengeBondWei,
    });
    await send("DisputeGame.commitTrace", {
      from: alice,
      to: game,
      call: "commitTrace",
      args: [assertionId, question, root, header, outputRoots.map(toHex), proof, shown],
    });
    const gameId = await read(game, "gameIdOf", [
      ...[assertionId, question, toHex(listHash(outputRoots)), challenger],
    ]);
    const time = (await now()) + parameters.challengeWindowSeconds + parameters.clockSeconds + 1;
    await surety.send({ from: alice, to: game, call: "claimTimeout", args: [gameId], time });

    const finalised = await send("SuretyOracle.finalise", onOracle("finalise", [requestId, output]));
    expect(eventOf(finalised, "Delivered")).toMatchObject({ success: false });
    await send("SuretyOracle.retry", onOracle("retry", [requestId, output]));
    for (const [name, used] of Object.entries(gas)) expect(used, name).toBeLessThan(TRANSACTION_GAS);
  });

  it("the limits are the registry's, and the gas is the committed one", async () => {
    expect(await surety.read(surety.registry, "MAX_INPUT_BYTES")).toBe(BigInt(MAX_BYTES));
    expect(MAX_CALLDATA_BYTES).toBe(MAX_BYTES);
    expect(await surety.read(surety.registry, "MAX_OUTPUT_BYTES")).toBe(BigInt(MAX_BYTES));
    expectSnapshot("gas-at-limits.json", gas);
  });
});
