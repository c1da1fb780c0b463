import {
  attentionTestsAbi,
  attentionTestsBytecode,
  disputeGameAbi,
  disputeGameBytecode,
  FatalError,
  modelRegistryBytecode,
  operatorRegistryAbi,
  operatorRegistryBytecode,
  stepRefereeBytecode,
  suretyOracleAbi,
  suretyOracleBytecode,
} from "@surety/protocol";
import {
  type Account,
  type Address,
  encodeDeployData,
  getContractAddress,
  type Hex,
  isAddressEqual,
  type PublicClient,
  parseEther,
  parseGwei,
  type Transport,
  type Chain as ViemChain,
  type WalletClient,
  zeroAddress,
} from "viem";
import type { SuretyAddresses } from "./addresses.ts";
import { toContractError } from "./errors/contract-revert.ts";

/** A token that fees may be paid in, with prices in its smallest unit. */
export interface FeeToken {
  readonly token: Address;
  readonly baseFee: bigint;
  readonly callbackGasPrice: bigint;
}

/** What a deployment is made with. Nothing of it can be changed afterwards; docs/protocol.md says what each is for. */
export interface SuretyParameters {
  /** Fee of a request without its callback's gas. */
  readonly baseFeeWei: bigint;
  /** Fee of one unit of callback gas. */
  readonly callbackGasPriceWei: bigint;
  /** Stake needed to join a model; at least `assertionBondWei`. */
  readonly minStakeWei: bigint;
  /** Stake that an open assertion locks. */
  readonly assertionBondWei: bigint;
  /** Paid to open a game. */
  readonly challengeBondWei: bigint;
  /** Of 10,000 parts of a lost bond, how many are burned; at least 1. */
  readonly burnBps: number;
  /** The assignee's head start to post. */
  readonly exclusiveSeconds: number;
  /** From post to finality when nobody disputes. */
  readonly challengeWindowSeconds: number;
  /** Of 10,000 parts of the base fee, how many reusing a final answer costs. */
  readonly reuseFeeBps: number;
  /** What an assignee loses when another answers in its place; at most a tenth of `assertionBondWei`. */
  readonly missedTurnPenaltyWei: bigint;
  /** Bond of the riskiest answers. Default: `assertionBondWei`, so that no higher one is offered. */
  readonly maxAssertionBondWei?: bigint;
  /** Challenge window of the riskiest answers. Default: twice `challengeWindowSeconds`. */
  readonly maxChallengeWindowSeconds?: number;
  /** Of 10,000 parts of the value at risk, how many the bond is. */
  readonly bondBps: number;
  /** Tokens that fees may be paid in besides native currency; at most 8. */
  readonly feeTokens: readonly FeeToken[];
  /** Each side's time for a whole game. */
  readonly clockSeconds: number;
  /** Time that a side has at least when its turn begins; at most `clockSeconds`. */
  readonly extensionSeconds: number;
  /** From leaving service to withdrawal; at least the challenge window and the longest game. */
  readonly unbondingSeconds: number;
  /** Attention tests (docs/protocol.md). Default: none. */
  readonly attention?: AttentionParameters;
}

/** docs/protocol.md, "Attention tests", says what each is for and how to choose it. */
export interface AttentionParameters {
  readonly watcherStakeWei: bigint;
  readonly rewardWei: bigint;
  readonly fineWei: bigint;
  readonly posterFineWei: bigint;
  readonly askedBps: number;
  readonly auditBps: number;
  readonly bountyBps: number;
  readonly attentionBlocks: number;
  readonly revealSeconds: number;
  readonly leaveSeconds: number;
}

/** Short times and small sums, for a chain of one's own. */
export const DEVNET_PARAMETERS: SuretyParameters = {
  baseFeeWei: parseEther("0.002"),
  callbackGasPriceWei: parseGwei("5"),
  minStakeWei: parseEther("4"),
  assertionBondWei: parseEther("1"),
  challengeBondWei: parseEther("0.2"),
  burnBps: 2_000,
  exclusiveSeconds: 15,
  challengeWindowSeconds: 20,
  reuseFeeBps: 1_000,
  missedTurnPenaltyWei: parseEther("0.001"),
  maxAssertionBondWei: parseEther("4"),
  bondBps: 1_000,
  feeTokens: [],
  clockSeconds: 60,
  extensionSeconds: 10,
  unbondingSeconds: 600,
};

/** Where a fresh deployment stands. */
export interface SuretyDeployment extends SuretyAddresses {
  readonly referee: Address;
  /** The block of the first contract: no event of this deployment is older. */
  readonly fromBlock: bigint;
}

export type DeployWallet = WalletClient<Transport, ViemChain | undefined, Account>;

/**
 * Deploys all contracts from one account. They refer to each other for good, so each is told beforehand where the later ones will stand;
 * the last one's constructor checks the parameters and that the others point back at it, and this function that all stand where foretold.
 * No other transaction of the account may come in between.
 *
 * @throws ContractRevertError InvalidParameter names the parameter that is out of its bounds. FatalError DEPLOYMENT_FAILED
 * @example
 * const addresses = await deploySurety(walletClient, publicClient, { ...DEVNET_PARAMETERS, challengeWindowSeconds: 60 });
 */
export async function deploySurety(
  wallet: DeployWallet,
  client: PublicClient,
  parameters: SuretyParameters = DEVNET_PARAMETERS,
): Promise<SuretyDeployment> {
  const from = wallet.account.address;
  const nonce = await client.getTransactionCount({ address: from, blockTag: "pending" });
  const at = (index: number): Address => getContractAddress({ from, nonce: BigInt(nonce + index) });
  const addresses: Places = {
    ...{ registry: at(0), referee: at(1), operators: at(2), oracle: at(3), game: at(4) },
    ...(parameters.attention === undefined ? {} : { attention: at(5) }),
  };
  const creations = Object.entries(creationCode(addresses, parameters)) as [keyof Places, Hex][];

  let fromBlock = 0n;
  for (const [index, [name, data]] of creations.entries()) {
    const what = `Deploying the contract \`${name}\` from ${from}`;
    const send = {
      account: wallet.account,
      chain: wallet.chain ?? null,
      data,
      nonce: nonce + index,
    } as const;
    const hash = await wallet.sendTransaction(send).catch((error: unknown) => {
      throw toContractError(what, error);
    });
    const { status, contractAddress, blockNumber } = await client.waitForTransactionReceipt({ hash });
    if (index === 0) fromBlock = blockNumber;
    if (
      status !== "success" ||
      !contractAddress ||
      !isAddressEqual(contractAddress, addresses[name] as Address)
    ) {
      throw new FatalError(
        "DEPLOYMENT_FAILED",
        `${what} failed (${status}, at ${contractAddress ?? "no address"}, expected at ${addresses[name]}). ` +
          "Check the parameters and that no other transaction of this account is on its way.",
      );
    }
  }
  return { ...addresses, fromBlock };
}

type Places = Omit<SuretyDeployment, "fromBlock">;

/** The parameters as the contracts' constructors take them. */
export function constructorParameters(parameters: SuretyParameters) {
  const { minStakeWei, assertionBondWei, unbondingSeconds, burnBps } = parameters;
  const { baseFeeWei, callbackGasPriceWei, exclusiveSeconds, challengeWindowSeconds, reuseFeeBps } =
    parameters;
  const { missedTurnPenaltyWei, bondBps } = parameters;
  const { maxAssertionBondWei = assertionBondWei } = parameters;
  const { maxChallengeWindowSeconds = 2 * challengeWindowSeconds } = parameters;
  const { challengeBondWei, clockSeconds, extensionSeconds } = parameters;
  return {
    ofOperators: {
      ...{ minStakeWei, assertionBondWei, maxAssertionBondWei, unbondingSeconds },
      attention: zeroAddress as Address,
    },
    ofOracle: {
      baseFeeWei,
      callbackGasPriceWei,
      assertionBondWei,
      burnBps,
      exclusiveSeconds,
      challengeWindowSeconds,
      reuseFeeBps,
      missedTurnPenaltyWei,
      maxAssertionBondWei,
      maxChallengeWindowSeconds,
      bondBps,
    },
    feeTokens: parameters.feeTokens,
    ofGame: { challengeBondWei, burnBps, clockSeconds, extensionSeconds },
  };
}

/** What creates each contract, in the order of deployment. */
function creationCode(
  { registry, referee, operators, oracle, game, attention }: Places,
  parameters: SuretyParameters,
): Partial<Record<keyof Places, Hex>> {
  const { ofOperators, ofOracle, feeTokens, ofGame } = constructorParameters(parameters);
  return {
    registry: modelRegistryBytecode,
    referee: stepRefereeBytecode,
    operators: encodeDeployData({
      abi: operatorRegistryAbi,
      bytecode: operatorRegistryBytecode,
      args: [oracle, game, { ...ofOperators, attention: attention ?? ofOperators.attention }],
    }),
    oracle: encodeDeployData({
      abi: suretyOracleAbi,
      bytecode: suretyOracleBytecode,
      args: [registry, operators, game, ofOracle, feeTokens],
    }),
    game: encodeDeployData({
      abi: disputeGameAbi,
      bytecode: disputeGameBytecode,
      args: [oracle, referee, ofGame],
    }),
    ...(parameters.attention === undefined
      ? {}
      : {
          attention: encodeDeployData({
            abi: attentionTestsAbi,
            bytecode: attentionTestsBytecode,
            args: [oracle, parameters.attention],
          }),
        }),
  };
}
