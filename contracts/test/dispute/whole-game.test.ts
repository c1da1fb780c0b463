import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digitImage, digitModel, outputOf, outputRootOf, runModel } from "../support/models.ts";
import { play } from "../support/players.ts";
import { eventsOf, type Surety, serve, startSurety } from "../support/surety.ts";

describe("a whole dispute", () => {
  let surety: Surety;
  const model = digitModel();
  const image = digitImage();
  const honest = runModel(model, [image]);
  beforeAll(async () => {
    surety = await startSurety();
  });
  afterAll(() => surety.close());

  it("finds one changed activation inside the network and slashes the liar", async () => {
    const { send, registry, oracle, game, accounts, read, now } = surety;
    const [liar, second, challenger, requester] = accounts as [
      `0x${string}`,
      `0x${string}`,
      `0x${string}`,
      `0x${string}`,
    ];
    await send({ from: requester, to: registry, call: "register", args: [model.header, "test"] });
    await serve(surety, liar, model.modelId);
    const feeWei = await read<bigint>(oracle, "quote", [model.modelId, 0]);
    const requested = await send({
      from: requester,
      to: oracle,
      call: "requestInference",
      args: [
        {
          modelId: model.modelId,
          input: `0x${Buffer.from(image).toString("hex")}`,
          callbackGas: 0,
          delivery: 1,
          deadline: (await now()) + 3600,
        },
      ],
      valueWei: feeWei,
    });
    await serve(surety, second, model.modelId);
    const lie = runModel(model, [image], { instruction: 1, byte: 12_345 });
    const posted = await send({ from: liar, to: oracle, call: "post", args: [1n, outputOf(model, lie)] });
    const opened = await send({
      from: challenger,
      to: game,
      call: "open",
      args: [256n, outputRootOf(model, lie)],
      valueWei: surety.parameters.challengeBondWei,
    });
    const moves = await play(
      surety,
      { model, inputs: [image], own: honest, poster: lie },
      { gameId: 1n, posterAddress: liar },
    );
    console.log("request", requested.gasUsed, "post", posted.gasUsed, "open", opened.gasUsed);
    for (const { by, call, receipt } of moves) console.log(by, call, receipt.gasUsed);
    console.log(moves.reduce((sum, { receipt }) => sum + receipt.gasUsed, opened.gasUsed));
    const last = moves.at(-1)?.receipt;
    expect(last && eventsOf(last, "GameEnded")[0]?.args.outcome).toBe(4);
  });
});
