import { getContractAddress } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { constructorParameters, DEVNET_PARAMETERS, deploySurety } from "../../../chain/src/deploy.ts";
import { type Surety, startSurety, ZERO_ADDRESS } from "../support/surety.ts";

const SOMEBODY = "0x00000000000000000000000000000000000000aa";

describe("constructor parameters", () => {
  let surety: Surety;
  beforeAll(async () => {
    surety = await startSurety();
  });
  afterAll(() => surety.close());

  const { assertionBondWei, burnBps, challengeWindowSeconds, clockSeconds, extensionSeconds } =
    DEVNET_PARAMETERS;
  const { ofOperators, ofOracle, ofGame } = constructorParameters(DEVNET_PARAMETERS);
  const month = 30 * 86_400;

  it.each<[string, readonly unknown[], readonly unknown[]]>([
    ["oracle", [ZERO_ADDRESS, SOMEBODY, ofOperators], [0n, 1n]],
    ["disputeGame", [SOMEBODY, ZERO_ADDRESS, ofOperators], [0n, 1n]],
    ["assertionBondWei", [SOMEBODY, SOMEBODY, { ...ofOperators, assertionBondWei: 0n }], [0n, 1n]],
    [
      "minStakeWei",
      [SOMEBODY, SOMEBODY, { ...ofOperators, minStakeWei: assertionBondWei - 1n }],
      [assertionBondWei - 1n, assertionBondWei],
    ],
    [
      "minStakeWei",
      [SOMEBODY, SOMEBODY, { ...ofOperators, minStakeWei: 2n ** 88n }],
      [2n ** 88n, 2n ** 88n - 1n],
    ],
    [
      "maxAssertionBondWei",
      [SOMEBODY, SOMEBODY, { ...ofOperators, maxAssertionBondWei: assertionBondWei - 1n }],
      [assertionBondWei - 1n, assertionBondWei],
    ],
  ])("OperatorRegistry names a wrong %s", async (name, args, bounds) => {
    expect(await surety.refusedDeployment("settle/OperatorRegistry.sol", args)).toEqual({
      error: "InvalidParameter",
      args: [name, ...bounds],
    });
  });

  const oracle = (changes: Partial<typeof ofOracle>) => [
    SOMEBODY,
    SOMEBODY,
    SOMEBODY,
    { ...ofOracle, ...changes },
    [],
  ];
  it.each<[string, readonly unknown[], readonly unknown[]]>([
    ["modelRegistry", [ZERO_ADDRESS, SOMEBODY, SOMEBODY, ofOracle, []], [0n, 1n]],
    ["operatorRegistry", [SOMEBODY, ZERO_ADDRESS, SOMEBODY, ofOracle, []], [0n, 1n]],
    ["disputeGame", [SOMEBODY, SOMEBODY, ZERO_ADDRESS, ofOracle, []], [0n, 1n]],
    ["baseFeeWei", oracle({ baseFeeWei: 2n ** 96n }), [2n ** 96n, 2n ** 96n - 1n]],
    ["callbackGasPriceWei", oracle({ callbackGasPriceWei: 2n ** 64n }), [2n ** 64n, 2n ** 64n - 1n]],
    ["assertionBondWei", oracle({ assertionBondWei: 0n }), [0n, 1n]],
    ["assertionBondWei", oracle({ assertionBondWei: 2n ** 96n }), [2n ** 96n, 2n ** 80n - 1n]],
    ["burnBps", oracle({ burnBps: 0 }), [0n, 1n]],
    ["burnBps", oracle({ burnBps: 10_001 }), [10_001n, 10_000n]],
    ["exclusiveSeconds", oracle({ exclusiveSeconds: 0 }), [0n, 1n]],
    ["exclusiveSeconds", oracle({ exclusiveSeconds: month + 1 }), [BigInt(month + 1), BigInt(month)]],
    ["challengeWindowSeconds", oracle({ challengeWindowSeconds: 0 }), [0n, 1n]],
    [
      "challengeWindowSeconds",
      oracle({ challengeWindowSeconds: month + 1 }),
      [BigInt(month + 1), BigInt(month)],
    ],
    [
      "missedTurnPenaltyWei",
      oracle({ missedTurnPenaltyWei: assertionBondWei / 10n + 1n }),
      [assertionBondWei / 10n + 1n, assertionBondWei / 10n],
    ],
    [
      "maxAssertionBondWei",
      oracle({ maxAssertionBondWei: assertionBondWei - 1n }),
      [assertionBondWei - 1n, assertionBondWei],
    ],
    ["maxAssertionBondWei", oracle({ maxAssertionBondWei: 2n ** 80n }), [2n ** 80n, 2n ** 80n - 1n]],
    [
      "maxChallengeWindowSeconds",
      oracle({ maxChallengeWindowSeconds: challengeWindowSeconds - 1 }),
      [BigInt(challengeWindowSeconds - 1), BigInt(challengeWindowSeconds)],
    ],
    [
      "maxChallengeWindowSeconds",
      oracle({ maxChallengeWindowSeconds: month + 1 }),
      [BigInt(month + 1), BigInt(month)],
    ],
    ["bondBps", oracle({ bondBps: 0 }), [0n, 1n]],
    ["bondBps", oracle({ bondBps: 10_001 }), [10_001n, 10_000n]],
    ["reuseFeeBps", oracle({ reuseFeeBps: 10_001 }), [10_001n, 10_000n]],
  ])("SuretyOracle names a wrong %s", async (name, args, bounds) => {
    expect(await surety.refusedDeployment("result/SuretyOracle.sol", args)).toEqual({
      error: "InvalidParameter",
      args: [name, ...bounds],
    });
  });

  it("SuretyOracle names a wrong fee token", async () => {
    const tokens = [
      await surety.deploy("test-harness/HostileToken.sol"),
      await surety.deploy("test-harness/HostileToken.sol"),
    ].map(({ address }) => ({ token: address, baseFee: 1n, callbackGasPrice: 1n }));
    const [one, two] = tokens as [(typeof tokens)[0], (typeof tokens)[0]];
    const refused = async (feeTokens: readonly unknown[]) => {
      const args = [SOMEBODY, SOMEBODY, SOMEBODY, ofOracle, feeTokens];
      const { error, args: named } = await surety.refusedDeployment("result/SuretyOracle.sol", args);
      return [error, ...named];
    };
    const wrong = (name: string, actual: bigint, bound: bigint) => ["InvalidParameter", name, actual, bound];
    expect(await refused([{ ...one, token: SOMEBODY }])).toEqual(wrong("feeTokens.token", 0n, 1n));
    expect(await refused([one, two, one])).toEqual(wrong("feeTokens.token", 2n, 0n));
    expect(await refused([{ ...one, baseFee: 2n ** 96n }])).toEqual(
      wrong("feeTokens.baseFee", 2n ** 96n, 2n ** 96n - 1n),
    );
    expect(await refused([{ ...one, callbackGasPrice: 2n ** 64n }])).toEqual(
      wrong("feeTokens.callbackGasPrice", 2n ** 64n, 2n ** 64n - 1n),
    );
    expect(await refused(Array(9).fill(one))).toEqual(wrong("feeTokens", 9n, 8n));
    expect(await surety.read(surety.oracle, "feeTokens")).toEqual([]);
  });

  const game = (changes: Partial<typeof ofGame>) => () => [
    surety.addresses.oracle,
    surety.addresses.referee,
    { ...ofGame, ...changes },
  ];
  it.each<[string, () => readonly unknown[], readonly unknown[]]>([
    ["oracle", () => [SOMEBODY, surety.addresses.referee, ofGame], [0n, 1n]],
    ["stepReferee", () => [surety.addresses.oracle, SOMEBODY, ofGame], [0n, 1n]],
    ["challengeBondWei", game({ challengeBondWei: 0n }), [0n, 1n]],
    ["challengeBondWei", game({ challengeBondWei: 2n ** 96n }), [2n ** 96n, 2n ** 96n - 1n]],
    ["burnBps", game({ burnBps: 0 }), [0n, 1n]],
    ["burnBps", game({ burnBps: 10_001 }), [10_001n, 10_000n]],
    ["extensionSeconds", game({ extensionSeconds: 0 }), [0n, 1n]],
    ["clockSeconds", game({ clockSeconds: 9 }), [9n, 10n]],
    ["clockSeconds", game({ clockSeconds: month + 1 }), [BigInt(month + 1), BigInt(month)]],
    // A second game cannot be put in the place of the first.
    ["oracle.disputeGame", game({}), [0n, 1n]],
  ])("DisputeGame names a wrong %s", async (name, args, bounds) => {
    expect(await surety.refusedDeployment("dispute/DisputeGame.sol", args())).toEqual({
      error: "InvalidParameter",
      args: [name, ...bounds],
    });
  });

  /** Deploys an operator registry and an oracle that expect the game at the address it would get, then the game. */
  const refusedGame = async (changes: {
    operators?: Partial<typeof ofOperators>;
    oracle?: Partial<typeof ofOracle>;
    operatorsOracle?: `0x${string}`;
    operatorsGame?: `0x${string}`;
  }) => {
    const { deployer, network } = surety;
    const nonce = await network.publicClient.getTransactionCount({ address: deployer });
    const at = (index: number) => getContractAddress({ from: deployer, nonce: BigInt(nonce + index) });
    await surety.deploy("settle/OperatorRegistry.sol", [
      changes.operatorsOracle ?? at(1),
      changes.operatorsGame ?? at(2),
      { ...ofOperators, ...changes.operators },
    ]);
    await surety.deploy("result/SuretyOracle.sol", [
      surety.addresses.registry,
      at(0),
      at(2),
      { ...ofOracle, ...changes.oracle },
      [],
    ]);
    return surety.refusedDeployment("dispute/DisputeGame.sol", [at(1), surety.addresses.referee, ofGame]);
  };

  it("DisputeGame checks that all contracts agree and point at each other", async () => {
    expect(await refusedGame({ operatorsGame: SOMEBODY })).toMatchObject({
      args: ["operatorRegistry.disputeGame", 0n, 1n],
    });
    expect(await refusedGame({ operatorsOracle: SOMEBODY })).toMatchObject({
      args: ["operatorRegistry.oracle", 0n, 1n],
    });
    expect(await refusedGame({ oracle: { burnBps: 7 } })).toMatchObject({
      args: ["burnBps", BigInt(burnBps), 7n],
    });
    expect(await refusedGame({ oracle: { assertionBondWei: 7n, missedTurnPenaltyWei: 0n } })).toMatchObject({
      args: ["assertionBondWei", assertionBondWei, 7n],
    });
    const { maxAssertionBondWei: most } = ofOperators;
    expect(await refusedGame({ operators: { maxAssertionBondWei: most + 1n } })).toMatchObject({
      args: ["maxAssertionBondWei", most + 1n, most],
    });
    const longest = 2 * challengeWindowSeconds + 2 * (clockSeconds + 8 * extensionSeconds);
    expect(await refusedGame({ operators: { unbondingSeconds: longest - 1 } })).toEqual({
      error: "InvalidParameter",
      args: ["unbondingSeconds", BigInt(longest - 1), BigInt(longest)],
    });
  });

  it("deploySurety puts everything where it was foretold and reports a refusal", async () => {
    const { network, addresses, read, oracle, game: disputeGame } = surety;
    expect(await read(oracle, "modelRegistry")).toBe(addresses.registry);
    expect(await read(oracle, "operatorRegistry")).toBe(addresses.operators);
    expect(await read(oracle, "disputeGame")).toBe(addresses.game);
    expect(await read(disputeGame, "oracle")).toBe(addresses.oracle);
    expect(await read(disputeGame, "stepReferee")).toBe(addresses.referee);
    const wallet = network.wallets[0] as never;
    await expect(
      deploySurety(wallet, network.publicClient as never, { ...DEVNET_PARAMETERS, unbondingSeconds: 1 }),
    ).rejects.toThrow(/InvalidParameter\(unbondingSeconds, 1, 320\)/);
  });
});
