import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { countingModel, type Header, modelIdOf } from "../support/models.ts";
import { actors } from "../support/scenario.ts";
import { eventsOf, type Surety, startSurety, ZERO_HASH } from "../support/surety.ts";

describe("ModelRegistry", () => {
  let surety: Surety;
  let snapshot: `0x${string}`;
  const model = countingModel(3, 600, [2, 0, 2]);
  const { header, modelId } = model;
  beforeAll(async () => {
    surety = await startSurety();
  });
  beforeEach(async () => {
    snapshot = await surety.snapshot();
  });
  afterEach(() => surety.revert(snapshot));
  afterAll(() => surety.close());

  const call = (changed: Partial<Header> = {}) => ({
    from: actors(surety).stranger,
    to: surety.registry,
    call: "register",
    args: [{ ...header, ...changed }, "ipfs://model"],
  });

  it("register, a legal header, stores what requests and posts need and tells it", async () => {
    const receipt = await surety.send(call());
    expect(eventsOf(receipt)).toMatchObject([
      {
        name: "ModelRegistered",
        args: { modelId, registrant: actors(surety).stranger, uri: "ipfs://model" },
      },
    ]);
    const summary = {
      inputBytes: 600n,
      outputBytes: 1800n,
      inputCount: 1,
      outputCount: 3,
      registered: true,
      number: 1,
    };
    expect(await surety.read(surety.registry, "summary", [modelId])).toEqual(summary);
    expect(await surety.read(surety.registry, "modelAt", [1])).toEqual([modelId, summary]);
    expect(await surety.read(surety.registry, "inputBytesOf", [modelId])).toEqual([600]);
    expect(await surety.read(surety.registry, "outputBytesOf", [modelId])).toEqual([600, 600, 600]);
  });

  it("register, several inputs, adds their sizes up and numbers models from 1", async () => {
    await surety.send(call());
    const inputBytes = [4, 1, 2 ** 32 - 1];
    await surety.send(call({ inputBytes }));
    const id = modelIdOf({ ...header, inputBytes });
    expect(await surety.read(surety.registry, "summary", [id])).toMatchObject({
      inputBytes: 2n ** 32n + 4n,
      inputCount: 3,
      number: 2,
    });
  });

  it("register, the same header again, reverts AlreadyRegistered", async () => {
    await surety.send(call());
    expect(await surety.refused(call())).toEqual({ error: "AlreadyRegistered", args: [modelId] });
  });

  it("summary and modelAt of an unknown model are empty", async () => {
    expect(await surety.read(surety.registry, "summary", [modelId])).toMatchObject({
      registered: false,
      number: 0,
    });
    expect(await surety.read(surety.registry, "modelAt", [9])).toMatchObject([
      ZERO_HASH,
      { registered: false },
    ]);
  });

  const output = { instruction: 0, bytes_: 1 };
  it.each<[string, Partial<Header>]>([
    ["profileVersion", { profileVersion: 1 }],
    ["programRoot", { programRoot: ZERO_HASH }],
    ["instructionCount", { instructionCount: 0 }],
    ["instructionCount", { instructionCount: 2 ** 20 + 1 }],
    ["weightCount", { weightCount: 2 ** 20 + 1, weightsRoot: header.programRoot }],
    ["weightsRoot", { weightCount: 1 }],
    ["weightsRoot", { weightsRoot: header.programRoot }],
    ["inputBytes", { inputBytes: [] }],
    ["inputBytes", { inputBytes: [4, 0] }],
    ["inputBytes", { inputBytes: Array(65).fill(1) }],
    ["outputs", { outputs: [] }],
    ["outputs", { outputs: Array(65).fill(output) }],
    ["outputs.bytes_", { outputs: [{ ...output, bytes_: 0 }] }],
    ["outputs.instruction", { outputs: [{ ...output, instruction: 3 }] }],
  ])("register, a header whose %s breaks a limit (%o), reverts InvalidHeader", async (field, changed) => {
    expect(await surety.refused(call(changed))).toEqual({ error: "InvalidHeader", args: [field] });
  });

  it("register, a header at its limits, succeeds", async () => {
    await surety.send(
      call({
        instructionCount: 2 ** 20,
        weightCount: 2 ** 20,
        weightsRoot: header.programRoot,
        inputBytes: Array(64).fill(2 ** 32 - 1),
        outputs: Array(64).fill({ instruction: 2 ** 20 - 1, bytes_: 2 ** 32 - 1 }),
      }),
    );
  });
});
