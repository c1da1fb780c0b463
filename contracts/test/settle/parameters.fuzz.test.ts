import { getAddress } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  constructorParameters,
  DEVNET_PARAMETERS,
  deploySurety,
  type SuretyParameters,
} from "../../../chain/src/deploy.ts";
import { outputOf, outputRootOf, questionFor, runModel } from "../support/models.ts";
import { DEVELOPMENT_CHAIN_ID, startNetwork } from "../support/network.ts";
import { play, viewOf } from "../support/players.ts";
import { fuzzCount, fuzzSeed, type Random, randomFrom } from "../support/random.ts";
import { actors, requestOf, smallInput, smallModel } from "../support/scenario.ts";
import { assigneeOf, eventOf, type Surety, serve, startSurety } from "../support/surety.ts";

const MONTH = 30n * 86_400n;
const MOST = {
  uint16: 2n ** 16n - 1n,
  uint32: 2n ** 32n - 1n,
  uint80: 2n ** 80n - 1n,
  uint88: 2n ** 88n - 1n,
  uint96: 2n ** 96n - 1n,
  uint128: 2n ** 128n - 1n,
};
/** All but the list of tokens and the attention tests, which have tests of their own. */
type Name = Exclude<keyof SuretyParameters, "feeTokens" | "attention">;
type Values = Record<Name, bigint>;

interface Bound {
  /** The least and the most that is taken, given the other parameters. */
  readonly least: (values: Values) => bigint;
  readonly most: (values: Values) => bigint;
  /** The largest number that its type holds. */
  readonly typeMost: bigint;
  /** Where the others stop it first: what is named instead when it is below or above its bounds. */
  readonly namedBelow?: Name;
  readonly namedAbove?: Name;
}

const constant = (value: bigint) => () => value;
const bps = { least: constant(1n), most: constant(10_000n), typeMost: MOST.uint16 };
const seconds = { least: constant(1n), most: constant(MONTH), typeMost: MOST.uint32 };
const longestDispute = ({ maxChallengeWindowSeconds, clockSeconds, extensionSeconds }: Values) =>
  maxChallengeWindowSeconds + 2n * (clockSeconds + 8n * extensionSeconds);

/** docs/protocol.md, "Parameters": every bound there is, where a window and an extension must have so many seconds. */
const boundsOf = (leastWindow: bigint, leastExtension: bigint): Record<Name, Bound> => ({
  baseFeeWei: { least: constant(0n), most: constant(MOST.uint96), typeMost: MOST.uint128 },
  callbackGasPriceWei: { least: constant(0n), most: constant(2n ** 64n - 1n), typeMost: MOST.uint128 },
  minStakeWei: {
    least: ({ assertionBondWei }) => assertionBondWei,
    most: constant(MOST.uint88),
    typeMost: MOST.uint128,
  },
  // A bond above the stake is named as a stake below the bond.
  assertionBondWei: {
    least: constant(1n),
    most: ({ minStakeWei }) => (minStakeWei < MOST.uint80 ? minStakeWei : MOST.uint80),
    typeMost: MOST.uint128,
    namedAbove: "minStakeWei",
  },
  maxAssertionBondWei: {
    least: ({ assertionBondWei }) => assertionBondWei,
    most: constant(MOST.uint80),
    typeMost: MOST.uint128,
  },
  challengeBondWei: { least: constant(1n), most: constant(MOST.uint96), typeMost: MOST.uint128 },
  burnBps: bps,
  exclusiveSeconds: seconds,
  challengeWindowSeconds: { ...seconds, least: constant(leastWindow) },
  maxChallengeWindowSeconds: { ...seconds, least: ({ challengeWindowSeconds }) => challengeWindowSeconds },
  bondBps: bps,
  reuseFeeBps: { ...bps, least: constant(0n) },
  missedTurnPenaltyWei: {
    least: constant(0n),
    most: ({ assertionBondWei }) => assertionBondWei / 10n,
    typeMost: MOST.uint128,
  },
  clockSeconds: { ...seconds, least: ({ extensionSeconds }) => extensionSeconds },
  extensionSeconds: {
    ...seconds,
    least: constant(leastExtension),
    most: ({ clockSeconds }) => clockSeconds,
    namedAbove: "clockSeconds",
  },
  unbondingSeconds: { least: longestDispute, most: constant(MOST.uint32), typeMost: MOST.uint32 },
});
const NAMES = Object.keys(boundsOf(1n, 1n)) as Name[];

/** Amounts are bigints, times and parts numbers. */
const toParameters = (values: Values): SuretyParameters => ({
  ...DEVNET_PARAMETERS,
  ...Object.fromEntries(
    NAMES.map((name) => [name, name.endsWith("Wei") ? values[name] : Number(values[name])]),
  ),
});

/** The devnet's, with times that every chain takes. */
const ON_ANY_CHAIN: SuretyParameters = {
  ...DEVNET_PARAMETERS,
  // More than the stake, so that a bond that is too high is found too high for that first.
  maxAssertionBondWei: 2n * DEVNET_PARAMETERS.minStakeWei,
  ...{ challengeWindowSeconds: 600, clockSeconds: 600, extensionSeconds: 60, unbondingSeconds: 10_000 },
};

/** Names of which one must be in the error; none: the set must be taken. */
function violations(bounds: Record<Name, Bound>, values: Values): Set<Name> {
  const named = NAMES.flatMap((name) => {
    const { least, most, namedBelow = name, namedAbove = name } = bounds[name];
    if (values[name] < least(values)) return [namedBelow];
    return values[name] > most(values) ? [namedAbove] : [];
  });
  // Where the stake suffices, it is the bond itself that no request can store.
  if (values.assertionBondWei > MOST.uint80) named.push("assertionBondWei");
  return new Set(named);
}

/** From 0 to `most`, small and large numbers alike. */
function magnitude(random: Random, least: bigint, most: bigint): bigint {
  const span = most - least + 1n;
  const bits = random.int(0, span.toString(2).length);
  const wide = BigInt(`0x${Buffer.from(random.bytes(17)).toString("hex")}`);
  return least + (wide % (bits === 0 ? 1n : 2n ** BigInt(bits) < span ? 2n ** BigInt(bits) : span));
}

/** Those that others depend on come first. */
const ORDER: readonly Name[] = ["clockSeconds", "minStakeWei", "assertionBondWei", "extensionSeconds"];
function draw(bounds: Record<Name, Bound>, random: Random): Values {
  const values = { ...Object.fromEntries(NAMES.map((name) => [name, 1n])) } as Values;
  values.assertionBondWei = 1n;
  for (const name of [...ORDER, ...NAMES.filter((other) => !ORDER.includes(other))]) {
    const { least, most } = bounds[name];
    values[name] = magnitude(random, least(values), most(values));
  }
  values.unbondingSeconds = magnitude(random, longestDispute(values), MOST.uint32);
  return values;
}

describe.each([
  ["a development chain", DEVELOPMENT_CHAIN_ID, boundsOf(1n, 1n)],
  ["any other chain", 1, boundsOf(300n, 60n)],
] as const)(
  "constructor parameters on %s: every set that is taken makes a system that works",
  (_, chainId, bounds) => {
    const seed = fuzzSeed();
    let base: Surety;
    const counts = { accepted: 0, refused: 0 };
    const model = smallModel;
    const honest = runModel(model, [smallInput]);
    const lie = runModel(model, [smallInput], { instruction: 2, byte: 5 });

    beforeAll(async () => {
      console.log(`constructor parameters: SURETY_FUZZ_SEED=${seed}`);
      base = await startSurety(ON_ANY_CHAIN, () => startNetwork(chainId));
      // Enough for any fee, stake and bond.
      for (const address of [...base.accounts, base.deployer])
        await base.network.testClient.setBalance({ address, value: 2n ** 120n });
    });
    afterAll(() => base.close());

    /** Deploys with these parameters beside what is there; gives the error's words where they are refused. */
    const deploy = async (values: Values): Promise<Surety | string> => {
      const parameters = toParameters(values);
      const [wallet] = base.network.wallets;
      const { publicClient } = base.network;
      try {
        const addresses = await deploySurety(wallet as never, publicClient as never, parameters);
        const at = <At extends { readonly address: string }>(contract: At, address: string) => ({
          ...contract,
          address: getAddress(address),
        });
        return {
          ...base,
          addresses,
          parameters,
          registry: at(base.registry, addresses.registry),
          operators: at(base.operators, addresses.operators),
          oracle: at(base.oracle, addresses.oracle),
          game: at(base.game, addresses.game),
        };
      } catch (error) {
        return (error as Error).message;
      }
    };

    /** An honest request to its end, then a lie to its refutation. */
    const exercise = async (surety: Surety) => {
      const { alice, challenger, requester, stranger } = actors(surety);
      const { registry, oracle, game, operators, parameters, send, read, now } = surety;
      await send({ from: requester, to: registry, call: "register", args: [model.header, ""] });
      await serve(surety, alice, model.modelId);
      const question = questionFor(model, [smallInput]);
      const answered = async (trace: typeof honest) => {
        const request = await requestOf(surety, model, smallInput, { delivery: "pull" });
        const valueWei = parameters.baseFeeWei + BigInt(request.callbackGas) * parameters.callbackGasPriceWei;
        const receipt = await send({
          ...{ from: requester, to: oracle, call: "requestInference", args: [request], valueWei },
        });
        const requestId = eventOf(receipt, "Requested").requestId as bigint;
        expect(await assigneeOf(surety, requestId)).toBe(alice);
        await send({
          from: alice,
          to: oracle,
          call: "post",
          args: [requestId, question, outputOf(model, trace)],
        });
        return { requestId, valueWei };
      };
      const { requestId, valueWei } = await answered(honest);
      await send({
        ...{ from: stranger, to: oracle, call: "finalise", args: [requestId, outputOf(model, honest)] },
        time: (await now()) + parameters.challengeWindowSeconds,
      });
      expect(await read(oracle, "resultOf", [requestId])).toBe(outputRootOf(model, honest));
      expect(await read(oracle, "creditOf", [alice])).toBe(valueWei);

      // Each transaction is a second later than the last here: a window of one second has passed before anybody can open.
      if (parameters.challengeWindowSeconds === 1) return;
      const { requestId: lied } = await answered(lie);
      const open = await send({
        ...{ from: challenger, to: game, call: "open", valueWei: parameters.challengeBondWei },
        args: [lied * 256n, question, outputRootOf(model, lie)],
      });
      const gameId = eventOf(open, "GameOpened").gameId as bigint;
      await play(
        surety,
        { model, inputs: [smallInput], own: honest, poster: lie },
        { gameId, posterAddress: alice },
      );
      expect(await viewOf(surety, gameId)).toMatchObject({ phase: "challenger-won" });
      const { assertionBondWei, challengeBondWei, burnBps } = parameters;
      const paidWei = (assertionBondWei * BigInt(10_000 - burnBps)) / 10_000n;
      expect(await read(game, "creditOf", [challenger])).toBe(challengeBondWei + paidWei);
      expect(await surety.balance(game.address)).toBe(challengeBondWei + paidWei);
      expect(await surety.balance(operators.address)).toBe(parameters.minStakeWei - assertionBondWei);
    };

    const check = async (values: Values, exact?: string) => {
      const violated = violations(bounds, values);
      const what = `seed ${seed}: ${NAMES.map((name) => `${name} ${values[name]}`).join(", ")}`;
      const id = await base.snapshot();
      const deployed = await deploy(values);
      if (typeof deployed === "string") {
        counts.refused++;
        const [, name] = /InvalidParameter\((\w+), \d+, \d+\)/.exec(deployed) ?? [];
        expect(violated, `${deployed}; ${what}`).toContain(name);
        if (exact !== undefined) expect(deployed).toContain(exact);
      } else {
        counts.accepted++;
        expect([...violated], `taken; ${what}`).toEqual([]);
        await exercise(deployed).catch((error) => {
          throw new Error(`${(error as Error).message}; ${what}`, { cause: error });
        });
      }
      await base.revert(id);
    };

    /** With what follows from the others where it is left out. */
    const known = { ...ON_ANY_CHAIN, ...constructorParameters(ON_ANY_CHAIN).ofOracle };
    const devnet = Object.fromEntries(NAMES.map((name) => [name, BigInt(known[name])])) as Values;

    it("knows all parameters that there are", () => {
      expect([...NAMES, "feeTokens"].toSorted()).toEqual(Object.keys(known).toSorted());
    });

    it.each(NAMES)(
      "%s: its least and its most are taken, what is one beyond is refused by name",
      async (name) => {
        const { least, most, typeMost, namedBelow = name, namedAbove = name } = bounds[name];
        // Everything else far from its bounds.
        const values: Values = {
          ...devnet,
          maxChallengeWindowSeconds: MONTH,
          unbondingSeconds: MOST.uint32,
        };
        const [low, high] = [least(values), most(values)];
        await check({ ...values, [name]: low });
        await check({ ...values, [name]: high });
        const before = { ...counts };
        if (low > 0n) {
          const exact = namedBelow === name ? `InvalidParameter(${name}, ${low - 1n}, ${low})` : namedBelow;
          await check({ ...values, [name]: low - 1n }, exact);
          expect(counts.refused).toBe(before.refused + 1);
        }
        if (high < typeMost) {
          const exact = namedAbove === name ? `InvalidParameter(${name}, ${high + 1n}, ${high})` : namedAbove;
          await check({ ...values, [name]: high + 1n }, exact);
          expect(counts.refused).toBe(before.refused + (low > 0n ? 2 : 1));
        }
      },
      300_000,
    );

    it("random sets, within their bounds and one parameter anywhere", async () => {
      const random = randomFrom(seed);
      const before = { ...counts };
      for (let i = 0; i < fuzzCount(8); i++) {
        const values = draw(bounds, random);
        await check(values);
        const name = random.pick(NAMES);
        await check({ ...values, [name]: magnitude(random, 0n, bounds[name].typeMost) });
      }
      expect(counts.accepted - before.accepted).toBeGreaterThan(0);
      expect(counts.refused - before.refused).toBeGreaterThan(0);
      console.log(
        `constructor parameters: ${counts.accepted} sets taken and tried, ${counts.refused} refused by name`,
      );
    }, 600_000);
  },
);
