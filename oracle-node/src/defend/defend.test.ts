import { assertionIdOf, assertionOf, gameOf, requestOf } from "@surety/chain";
import { CommittedTrace, openModel } from "@surety/engine";
import { type GameId, nextMove, type RequestId } from "@surety/protocol";
import { until } from "@surety/service/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningOracleNode, startOracleNode } from "../bin/start-oracle-node.ts";
import { openScene, type Scene } from "../testing/scene.ts";
import { openTestGame, selectionTowards } from "../testing/scripted-challenger.ts";

let scene: Scene;
const running: RunningOracleNode[] = [];

beforeAll(async () => {
  scene = await openScene({
    exclusiveSeconds: 5,
    challengeWindowSeconds: 400,
    clockSeconds: 200,
    extensionSeconds: 100,
    unbondingSeconds: 10_000,
  });
  await scene.enlist(1);
});
afterAll(async () => {
  await Promise.all(running.map((node) => node.stop()));
  await scene.close();
});

const view = (gameId: GameId) => gameOf(scene.chain, scene.addresses, gameId);
const asserted = (id: RequestId) =>
  until(`request ${id} answered`, async () => {
    return (await requestOf(scene.chain, scene.addresses, id)).status === "asserted";
  });

describe("a node's defence", () => {
  it("reveals down to the bytes across a restart on an empty disk, outlasts an idle challenger and ends final", async () => {
    running.push(await startOracleNode(scene.nodeOptions(1)));
    const requestId = await scene.ask(scene.input(0));
    await asserted(requestId);
    const assertionId = assertionIdOf(requestId, 0);
    const session = await openModel(scene.bundle);
    const trace = new CommittedTrace(await session.trace(scene.input(0)));
    await session.release();

    const gameId = await openTestGame(scene, 5, assertionId);
    // A second game on the same assertion: the first one's reveals serve it.
    const idle = await openTestGame(scene, 6, assertionId);
    await until("trace committed", async () => (await view(gameId)).phase === "trace", 120_000);
    await running.pop()?.stop();
    // With another folder: what it has said, it finds out again.
    running.push(await startOracleNode(scene.nodeOptions(1)));

    await until("walked to the bytes", async () => {
      const call = await selectionTowards(scene, gameId, trace, { layer: 0, leaf: 7 });
      if (call !== undefined) await scene.sender(5).send(call);
      return nextMove(await view(gameId))?.kind === "step";
    });
    const walked = await view(gameId);
    expect(walked).toMatchObject({ phase: "tensor", instruction: 0, turn: "challenger" });

    await scene.advance(201);
    await until("both challengers lost on time", async () => {
      const phases = [(await view(gameId)).phase, (await view(idle)).phase];
      return phases.every((phase) => phase === "poster-won");
    });
    await scene.advance(400);
    await until(
      "final",
      async () => (await assertionOf(scene.chain, scene.addresses, assertionId)).finalised,
    );
    const metrics = await (await fetch(`${running[0]?.url}/metrics`)).text();
    expect(metrics).toMatch(/surety_node_defence_moves_total\{kind="revealBytes"\} 1/);
    expect(metrics).toMatch(/surety_node_defence_moves_total\{kind="claimTimeout"\} 2/);
  }, 300_000);
});
