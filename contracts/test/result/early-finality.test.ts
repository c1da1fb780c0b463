import { stakeQuorumAbi } from "@surety/protocol";
import { type Abi, type Address, encodeAbiParameters, encodeFunctionData, type Hex, parseEther } from "viem";
import { beforeEach, describe, expect, it } from "vitest";
import { hostileConsumer } from "../support/consumer.ts";
import { outputOf, outputRootOf } from "../support/models.ts";
import { smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { type At, eventsOf, serve, ZERO_ADDRESS, ZERO_HASH } from "../support/surety.ts";

const { modelId } = smallModel;
const BEHAVIOURS = {
  sayYes: 0,
  sayNo: 1,
  revert: 2,
  burnGas: 3,
  returnJunk: 4,
  returnNothing: 5,
  returnMuch: 6,
  revertMuch: 7,
} as const;

describe("SuretyOracle: early finality", () => {
  const scenario = useSurety(smallModel, smallInput, { exclusiveSeconds: 1_000, challengeWindowSeconds: 60 });
  const lie = scenario.lie({ instruction: 2, byte: 5 });
  const on = (call: string, args: readonly unknown[], from: Address = scenario.actors.stranger) => ({
    from,
    to: scenario.surety.oracle,
    call,
    args,
  });
  /** A request with a verifier, answered. */
  const answered = async (verifier: Address, trace = scenario.honest) => {
    const { surety } = scenario;
    const { requester } = scenario.actors;
    const { requestId, assignee } = await scenario.request({ delivery: "pull" });
    await surety.send(on("chooseEarlyFinality", [requestId, verifier], requester));
    const output = outputOf(smallModel, trace);
    await surety.send(on("post", [requestId, scenario.question, output], assignee));
    const early = (proof: Hex = "0x") => on("finaliseEarly", [requestId, output, proof]);
    return { requestId, assertionId: requestId * 256n, poster: assignee, early };
  };
  const verifier = async (behaviour: keyof typeof BEHAVIOURS) => {
    const at = await scenario.surety.deploy("test-harness/HostileVerifier.sol");
    const args = [BEHAVIOURS[behaviour]];
    await scenario.surety.send({ from: scenario.actors.stranger, to: at, call: "behave", args });
    return at.address;
  };

  describe("chooseEarlyFinality", () => {
    it("is the requester's alone, while the request is open", async () => {
      const { surety } = scenario;
      const { requester, stranger } = scenario.actors;
      const { requestId, assignee } = await scenario.request();
      expect(await surety.refused(on("chooseEarlyFinality", [requestId, stranger]))).toEqual({
        error: "NotRequester",
        args: [stranger, requester],
      });
      const receipt = await surety.send(on("chooseEarlyFinality", [requestId, stranger], requester));
      expect(eventsOf(receipt)).toMatchObject([
        { name: "EarlyFinalityChosen", args: { requestId, verifier: stranger } },
      ]);
      expect(await surety.read(surety.oracle, "earlyFinalityOf", [requestId])).toBe(stranger);
      await surety.send(on("chooseEarlyFinality", [requestId, ZERO_ADDRESS], requester));
      expect(await surety.read(surety.oracle, "earlyFinalityOf", [requestId])).toBe(ZERO_ADDRESS);
      await surety.send(on("post", [requestId, scenario.question, scenario.output], assignee));
      expect(await surety.refused(on("chooseEarlyFinality", [requestId, stranger], requester))).toMatchObject(
        { error: "WrongStatus" },
      );
    });
  });

  describe("finaliseEarly", () => {
    it("with the verifier's yes settles within the window: result, fee, bond, and no game any more", async () => {
      const { surety } = scenario;
      const { challenger } = scenario.actors;
      const chosen = await verifier("sayYes");
      const { requestId, assertionId, poster, early } = await answered(chosen);
      const receipt = await surety.send(early());
      expect(eventsOf(receipt).map(({ name }) => name)).toEqual([
        ...["FinalisedEarly", "Credited", "Finalised", "Unlocked"],
      ]);
      expect(eventsOf(receipt, "FinalisedEarly")).toMatchObject([
        { args: { assertionId, requestId, verifier: chosen } },
      ]);
      const root = outputRootOf(smallModel, scenario.honest);
      expect(await surety.read(surety.oracle, "resultOf", [requestId])).toBe(root);
      expect(await surety.read(surety.operators, "operatorOf", [poster])).toMatchObject({ lockedWei: 0n });
      // Its window is not over, yet what is final is not disputed any more.
      const open = {
        from: challenger,
        to: surety.game,
        call: "open",
        args: [assertionId, scenario.question, root],
        valueWei: surety.parameters.challengeBondWei,
      };
      expect(await surety.refused(open)).toEqual({ error: "WrongStatus", args: [3, 2] });
      expect(await surety.refused(early())).toMatchObject({ error: "WrongStatus" });
      const windowEndsAt = (await surety.now()) + 61;
      expect(
        await surety.refused({ ...on("finalise", early().args.slice(0, 2)), time: windowEndsAt }),
      ).toMatchObject({ error: "WrongStatus" });
    });

    it("calls the consumer back as any finality does", async () => {
      const consumer = await hostileConsumer(scenario);
      const { requestId, assignee } = await consumer.ask({ delivery: "final", callbackGas: 3_000_000 });
      await consumer.execute("chooseEarlyFinality", [requestId, await verifier("sayYes")]);
      const { surety } = scenario;
      await surety.send(on("post", [requestId, scenario.question, scenario.output], assignee));
      const receipt = await surety.send(on("finaliseEarly", [requestId, scenario.output, "0x"]));
      expect(eventsOf(receipt, "Delivered")).toMatchObject([{ args: { requestId, success: true } }]);
    });

    it.each([
      "sayNo",
      "revert",
      "burnGas",
      "returnJunk",
      "returnNothing",
      "returnMuch",
      "revertMuch",
    ] as const)(
      "with a verifier that does %s is refused, and costs no more than its bound",
      async (behaviour) => {
        const { surety } = scenario;
        const chosen = await verifier(behaviour);
        const { early, requestId } = await answered(chosen);
        // As much gas as the verifier may have, and what the oracle needs itself.
        expect(await surety.refused({ ...early(), gas: 2_400_000n })).toEqual({
          error: "EarlyFinalityRefused",
          args: [chosen],
        });
        expect(await surety.read(surety.oracle, "resultOf", [requestId])).toBe(ZERO_HASH);
      },
    );

    it("without a verifier, or by one without code, is refused", async () => {
      const { surety } = scenario;
      for (const chosen of [ZERO_ADDRESS, scenario.actors.stranger]) {
        const { early } = await answered(chosen);
        expect(await surety.refused(early())).toEqual({ error: "EarlyFinalityRefused", args: [chosen] });
      }
    });

    it("while a game is open reverts GamesOpen, of another output OutputMismatch, after the window WindowClosed", async () => {
      const { surety } = scenario;
      const { early, assertionId, requestId } = await answered(await verifier("sayYes"), lie);
      expect(await surety.refused(on("finaliseEarly", [requestId, scenario.output, "0x"]))).toMatchObject({
        error: "OutputMismatch",
      });
      const id = await surety.snapshot();
      const time = (await surety.now()) + 60;
      expect(await surety.refused({ ...early(), time })).toMatchObject({ error: "WindowClosed" });
      await surety.revert(id);
      await scenario.open(assertionId, lie);
      expect(await surety.refused(early())).toEqual({ error: "GamesOpen", args: [1n] });
      expect(await surety.refused(on("finaliseEarly", [9n, "0x", "0x"]))).toMatchObject({
        error: "UnknownRequest",
      });
    });

    it("is nobody else's answer: it cannot be reused", async () => {
      const { surety } = scenario;
      const { early, requestId } = await answered(await verifier("sayYes"));
      await surety.send(early());
      const consumer = await hostileConsumer(scenario);
      const args = [requestId, scenario.question, scenario.output, ZERO_ADDRESS];
      expect(await consumer.refused("reuse", args, parseEther("1"))).toEqual({
        error: "NotReusable",
        args: [requestId],
      });
    });
  });

  describe("StakeQuorum", () => {
    let quorum: At;
    let serving: Address[];
    const sorted = (...who: Address[]) => who.sort((x, y) => (BigInt(x) < BigInt(y) ? -1 : 1));
    /** Who may sign for an answer: the four that have not posted it. */
    const signersFor = (poster: Address) =>
      sorted(...serving.filter((who) => who !== poster)) as [Address, Address, Address, Address];
    beforeEach(async () => {
      const { surety } = scenario;
      const more = surety.accounts.slice(8, 11);
      for (const signer of more) await serve(surety, signer, modelId);
      serving = [scenario.actors.alice, scenario.actors.bob, ...more];
      quorum = await deployed();
    });
    const deployed = (parameters: object = {}) =>
      scenario.surety.deploy("finality/StakeQuorum.sol", [
        scenario.surety.oracle.address,
        scenario.surety.operators.address,
        { leastSigners: 2, signersBps: 4_000, leastStakeWei: parseEther("8"), ...parameters },
      ]);
    const sign = (
      account: Address,
      assertionId: bigint,
      changes: Record<string, unknown> = {},
      at = quorum,
    ) =>
      scenario.surety.network.wallets[0]?.signTypedData({
        account,
        domain: {
          name: "Surety stake quorum",
          version: "1",
          chainId: scenario.surety.network.chain.id,
          verifyingContract: at.address,
        },
        types: {
          Answer: [
            { name: "oracle", type: "address" },
            { name: "assertionId", type: "uint256" },
            { name: "question", type: "bytes32" },
            { name: "outputRoot", type: "bytes32" },
          ],
        },
        primaryType: "Answer",
        message: {
          oracle: scenario.surety.oracle.address,
          assertionId,
          question: scenario.question as Hex,
          outputRoot: outputRootOf(smallModel, scenario.honest),
          ...changes,
        },
      }) as Promise<Hex>;
    const proofOf = (by: readonly Address[], signatures: readonly Hex[]) =>
      encodeAbiParameters([{ type: "address[]" }, { type: "bytes[]" }], [by, signatures]);
    const proofBy = async (by: readonly Address[], assertionId: bigint, changes = {}, at = quorum) =>
      proofOf(by, await Promise.all(by.map((account) => sign(account, assertionId, changes, at))));
    const refusal = async () => ({ error: "EarlyFinalityRefused", args: [quorum.address] });

    it("of operators that serve the model, by number and by stake, finalises", async () => {
      const { surety } = scenario;
      // Five serve: two are four tenths.
      const { early, requestId, assertionId, poster } = await answered(quorum.address);
      const by = signersFor(poster).slice(0, 2);
      const digest = await surety.read<Hex>({ ...quorum, abi: stakeQuorumAbi as Abi }, "digestOf", [
        ...[assertionId, scenario.question, outputRootOf(smallModel, scenario.honest)],
      ]);
      expect(digest).toMatch(/^0x[0-9a-f]{64}$/);
      await surety.send(early(await proofBy(by, assertionId)));
      expect(await surety.read(surety.oracle, "resultOf", [requestId])).not.toBe(ZERO_HASH);
    });

    it("too few, too little stake, twice the same, out of order, strangers, the poster, jailed ones: refused", async () => {
      const { surety } = scenario;
      const { stranger } = scenario.actors;
      const { early, assertionId, poster } = await answered(quorum.address);
      const [a, b, c] = signersFor(poster);
      const cases: [string, Hex][] = [
        ["too few", await proofBy([a], assertionId)],
        ["none", proofOf([], [])],
        ["twice the same", await proofBy([a, a], assertionId)],
        ["out of order", await proofBy([b, a], assertionId)],
        ["a stranger", await proofBy(sorted(a, stranger), assertionId)],
        ["the poster", await proofBy(sorted(a, poster), assertionId)],
        ["a signature short", proofOf([a, b], [await sign(a, assertionId)])],
        ["one signature for two", proofOf([a, b], [await sign(a, assertionId), await sign(a, assertionId)])],
        ["junk", "0x1234"],
        [
          "more than 32",
          proofOf(
            Array.from({ length: 33 }, () => a),
            Array.from({ length: 33 }, () => "0x"),
          ),
        ],
      ];
      for (const [name, proof] of cases)
        expect(await surety.refused(early(proof)), name).toEqual(await refusal());
      const id = await surety.snapshot();
      await surety.network.testClient.impersonateAccount({ address: surety.addresses.oracle });
      const asOracle = (call: string, args: readonly unknown[]) =>
        surety.send({ from: surety.addresses.oracle, to: surety.operators, call, args });
      const bond = surety.parameters.assertionBondWei;
      await asOracle("lock", [b, bond]);
      await asOracle("slash", [b, bond, stranger, 0n]);
      expect(await surety.refused(early(await proofBy([a, b], assertionId)))).toEqual(await refusal());
      await surety.send(early(await proofBy([a, c], assertionId)));
      await surety.revert(id);
      // More stake, or more signers, than two have.
      for (const parameters of [{ leastStakeWei: parseEther("8") + 1n }, { signersBps: 4_001 }]) {
        const stricter = await deployed(parameters);
        const other = await answered(stricter.address);
        const able = signersFor(other.poster);
        const two = await proofBy(able.slice(0, 2), other.assertionId, {}, stricter);
        expect(await surety.refused(other.early(two))).toMatchObject({ error: "EarlyFinalityRefused" });
        await surety.send(other.early(await proofBy(able.slice(0, 3), other.assertionId, {}, stricter)));
      }
    });

    it("an operator that is a contract signs by ERC-1271: its owner's signature counts, another's does not", async () => {
      const { surety } = scenario;
      const [owner, other] = surety.accounts.slice(12, 14) as [Address, Address];
      const wallet = await surety.deploy("test-harness/SignerWallet.sol", [owner]);
      const asWallet = (call: string, args: readonly unknown[] = [], valueWei = 0n) => {
        const data = encodeFunctionData({ abi: surety.operators.abi, functionName: call, args });
        const to = surety.operators.address;
        return surety.send({ from: owner, to: wallet, call: "execute", args: [to, data], valueWei });
      };
      const { early, requestId, assertionId, poster } = await answered(quorum.address);
      await asWallet("deposit", [], surety.parameters.minStakeWei);
      await asWallet("joinModel", [modelId]);
      // Six serve now: three are needed.
      const [a, b] = signersFor(poster);
      const by = sorted(a, b, wallet.address);
      const proof = async (walletsBy: Address, digestOf = assertionId) =>
        proofOf(
          by,
          await Promise.all(
            by.map((who) => (who === wallet.address ? sign(walletsBy, digestOf) : sign(who, assertionId))),
          ),
        );
      expect(await surety.refused(early(await proof(other)))).toEqual(await refusal());
      expect(await surety.refused(early(await proof(owner, assertionId + 1n)))).toEqual(await refusal());
      // A signature of the wallet's owner is not the wallet's in the owner's own name.
      const owners = sorted(a, b, owner);
      expect(await surety.refused(early(await proofBy(owners, assertionId)))).toEqual(await refusal());
      await surety.send(early(await proof(owner)));
      expect(await surety.read(surety.oracle, "resultOf", [requestId])).not.toBe(ZERO_HASH);
    });

    it("signatures for another assertion, output, question, oracle or contract: refused", async () => {
      const { surety } = scenario;
      const { early, assertionId, poster } = await answered(quorum.address);
      const [a, b] = signersFor(poster);
      const other = await deployed();
      const proofs = [
        await proofBy([a, b], assertionId + 256n),
        await proofBy([a, b], assertionId, { outputRoot: outputRootOf(smallModel, lie) }),
        await proofBy([a, b], assertionId, { question: ZERO_HASH }),
        await proofBy([a, b], assertionId, { oracle: surety.game.address }),
        await proofBy([a, b], assertionId, {}, other),
      ];
      for (const proof of proofs) expect(await surety.refused(early(proof))).toEqual(await refusal());
      await surety.send(early(await proofBy([a, b], assertionId)));
    });

    it("parameters out of their bounds are refused by name", async () => {
      const { surety } = scenario;
      const parameters = { leastSigners: 2, signersBps: 0, leastStakeWei: 1n };
      const refused = (oracle: Address, changes: object) =>
        surety.refusedDeployment("finality/StakeQuorum.sol", [
          oracle,
          surety.operators.address,
          { ...parameters, ...changes },
        ]);
      const { address } = surety.oracle;
      const cases: [Address, object, unknown[]][] = [
        [surety.game.address, {}, ["operators.oracle", 0n, 1n]],
        [address, { leastSigners: 1 }, ["leastSigners", 1n, 2n]],
        [address, { leastSigners: 33 }, ["leastSigners", 33n, 32n]],
        [address, { signersBps: 10_001 }, ["signersBps", 10_001n, 10_000n]],
        [address, { leastStakeWei: 0n }, ["leastStakeWei", 0n, 1n]],
      ];
      for (const [oracle, changes, args] of cases)
        expect(await refused(oracle, changes)).toEqual({ error: "InvalidParameter", args });
      expect(await surety.read(quorum, "parameters")).toEqual({
        leastSigners: 2,
        signersBps: 4_000,
        leastStakeWei: parseEther("8"),
      });
    });
  });
});
