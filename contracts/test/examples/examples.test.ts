import { toHex } from "@surety/engine";
import { type Address, encodeFunctionData } from "viem";
import { beforeAll, describe, expect, it } from "vitest";
import { digitImage, digitModel, outputOf, outputRootOf, questionFor, runModel } from "../support/models.ts";
import { play } from "../support/players.ts";
import { actors, useSurety } from "../support/scenario.ts";
import { type At, eventOf, eventsOf, type Surety } from "../support/surety.ts";

const model = digitModel();
const image = digitImage();
const honest = runModel(model, [image]);
const question = questionFor(model, [image]);
/** Ten scores, the largest of them a digit's. */
const scores = (digit: number) =>
  toHex(new Uint8Array(Float32Array.from({ length: 10 }, (_, i) => (i === digit ? 1 : 0)).buffer));

describe("examples", () => {
  const scenario = useSurety(model, image);
  let surety: Surety;
  beforeAll(() => {
    surety = scenario.surety;
  });

  const deploy = (name: string) =>
    surety.deploy(`examples/${name}.sol`, [surety.addresses.oracle, model.modelId]);
  const ask = async (to: At, call: string, valueWei: bigint) => {
    const from = actors(surety).requester;
    const args = [toHex(image), (await surety.now()) + 10_000];
    const receipt = await surety.send({ from, to, call, args, valueWei });
    return eventOf(receipt, "Requested").requestId as bigint;
  };
  /** By whoever may: after the exclusive time, so that either node can. */
  const post = async (requestId: bigint, output: `0x${string}`, from: Address) => {
    const time = (await surety.now()) + surety.parameters.exclusiveSeconds + 1;
    const args = [requestId, question, output];
    return surety.send({ from, to: surety.oracle, call: "post", args, time });
  };
  const finalise = async (requestId: bigint, output: `0x${string}`) => {
    const time = (await surety.now()) + surety.parameters.challengeWindowSeconds;
    const from = actors(surety).stranger;
    return surety.send({ from, to: surety.oracle, call: "finalise", args: [requestId, output], time });
  };

  describe("LiveDigit", () => {
    it("shows a digit at once, takes a wrong one back and shows the right one for good", async () => {
      const { alice, bob, challenger, stranger } = actors(surety);
      const reader = await deploy("LiveDigit");
      const reading = (id: bigint) =>
        surety.read<{ digit: number; certainty: number }>(reader, "readingOf", [id]);
      const requestId = await ask(reader, "readDigit", await surety.read<bigint>(reader, "feeWei"));
      expect(await reading(requestId)).toEqual({ digit: 0, certainty: 0 });

      // A lie about the last tensor: the scores themselves.
      const lie = runModel(model, [image], { instruction: 5, byte: 39 });
      await post(requestId, outputOf(model, lie), alice);
      expect(await reading(requestId)).toMatchObject({ certainty: 1 });
      const opened = await surety.send({
        from: challenger,
        to: surety.game,
        call: "open",
        args: [requestId * 256n, question, outputRootOf(model, lie)],
        valueWei: surety.parameters.challengeBondWei,
      });
      await play(
        surety,
        { model, inputs: [image], own: honest, poster: lie },
        { gameId: eventOf(opened, "GameOpened").gameId as bigint, posterAddress: alice },
      );
      await surety.send({ from: stranger, to: surety.oracle, call: "revoke", args: [requestId] });
      expect(await reading(requestId)).toEqual({ digit: 0, certainty: 0 });

      const output = outputOf(model, honest);
      const right = new Float32Array(honest.tensorBytes(5).slice().buffer);
      const digit = right.indexOf(Math.max(...right));
      await post(requestId, output, bob);
      expect(await reading(requestId)).toEqual({ digit, certainty: 1 });
      await finalise(requestId, output);
      expect(await reading(requestId)).toEqual({ digit, certainty: 2 });
    });
  });

  describe("DigitPuller", () => {
    const PRIZE = 10n ** 15n;
    const entered = async (digit: number) => {
      const puller = await deploy("DigitPuller");
      const requestId = await ask(puller, "enter", surety.parameters.baseFeeWei + PRIZE);
      const output = scores(digit);
      await post(requestId, output, actors(surety).alice);
      const claim = (data = output) => ({
        from: actors(surety).stranger,
        to: puller,
        call: "claim",
        args: [requestId, data],
      });
      return { puller, requestId, output, claim };
    };

    it("pays the writer of a seven once the answer is final, once", async () => {
      const { requester } = actors(surety);
      const { requestId, output, claim } = await entered(7);
      expect(await surety.refused(claim())).toEqual({ error: "NotTheAnswer", args: [requestId] });
      await finalise(requestId, output);
      expect(await surety.refused(claim(scores(6)))).toMatchObject({ error: "NotTheAnswer" });
      const before = await surety.balance(requester);
      await surety.send(claim());
      expect((await surety.balance(requester)) - before).toBe(PRIZE);
      expect(await surety.refused(claim())).toEqual({ error: "NothingToClaim", args: [requestId] });
    });

    it("keeps the prize of a writer that refuses it", async () => {
      const { alice, stranger } = actors(surety);
      const puller = await deploy("DigitPuller");
      const writer = await surety.deploy("test-harness/HostileConsumer.sol");
      const args = [toHex(image), (await surety.now()) + 10_000];
      const data = encodeFunctionData({ abi: puller.abi, functionName: "enter", args });
      const receipt = await surety.send({
        from: stranger,
        to: writer,
        call: "execute",
        args: [puller.address, data],
        valueWei: surety.parameters.baseFeeWei + PRIZE,
      });
      const { requestId } = eventOf(receipt, "Requested") as { requestId: bigint };
      await post(requestId, scores(7), alice);
      await finalise(requestId, scores(7));
      const claim = { from: stranger, to: puller, call: "claim", args: [requestId, scores(7)] };
      expect(await surety.refused(claim)).toEqual({ error: "PrizeRefused", args: [writer.address] });
      expect(await surety.balance(puller.address)).toBe(PRIZE);
    });

    it("pays nothing for another digit", async () => {
      const { requestId, output, claim } = await entered(3);
      const receipt = await finalise(requestId, output);
      expect(eventsOf(receipt, "Delivered")).toEqual([]);
      expect(await surety.refused(claim())).toEqual({ error: "AnotherDigit", args: [3, 7] });
    });
  });
});
