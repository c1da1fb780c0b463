import {
  disputeGameAbi,
  disputeGameBytecode,
  FatalError,
  modelRegistryAbi,
  modelRegistryBytecode,
  operatorRegistryAbi,
  operatorRegistryBytecode,
  stepRefereeAbi,
  stepRefereeBytecode,
  suretyOracleAbi,
  suretyOracleBytecode,
} from "@surety/protocol";
import {
  type Account,
  type Address,
  getContractAddress,
  type Hash,
  isAddressEqual,
  type PublicClient,
  parseEther,
  parseGwei,
  type Transport,
  type Chain as ViemChain,
  type WalletClient,
} from "viem";
import type { SuretyAddresses } from "./addresses.ts";

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
  /** Each side's time for a whole game. */
  readonly clockSeconds: number;
  /** Time that a side has at least when its turn begins; at most `clockSeconds`. */
  readonly extensionSeconds: number;
  /** From leaving service to withdrawal; at least the challenge window and the longest game. */
  readonly unbondingSeconds: number;
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
 * @throws FatalError DEPLOYMENT_FAILED
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
  const [registry, referee, operators, oracle, game] = [at(0), at(1), at(2), at(3), at(4)] as const;
  const common = { account: wallet.account, chain: wallet.chain ?? null } as const;
  let fromBlock: bigint | undefined;

  const place = async (
    name: string,
    expected: Address,
    deploy: (nonce: number) => Promise<Hash>,
    index: number,
  ) => {
    const hash = await deploy(nonce + index);
    const { status, contractAddress, blockNumber } = await client.waitForTransactionReceipt({ hash });
    fromBlock ??= blockNumber;
    if (status !== "success" || !contractAddress || !isAddressEqual(contractAddress, expected)) {
      throw new FatalError(
        "DEPLOYMENT_FAILED",
        `Deploying ${name} from ${from} failed (${status}, at ${contractAddress ?? "no address"}, expected ${expected}). ` +
          "Check the parameters and that no other transaction of this account is on its way.",
      );
    }
  };

  const ofOperators = {
    minStakeWei: parameters.minStakeWei,
    assertionBondWei: parameters.assertionBondWei,
    unbondingSeconds: parameters.unbondingSeconds,
  };
  const ofOracle = {
    baseFeeWei: parameters.baseFeeWei,
    callbackGasPriceWei: parameters.callbackGasPriceWei,
    assertionBondWei: parameters.assertionBondWei,
    burnBps: parameters.burnBps,
    exclusiveSeconds: parameters.exclusiveSeconds,
    challengeWindowSeconds: parameters.challengeWindowSeconds,
  };
  const ofGame = {
    challengeBondWei: parameters.challengeBondWei,
    burnBps: parameters.burnBps,
    clockSeconds: parameters.clockSeconds,
    extensionSeconds: parameters.extensionSeconds,
  };

  await place(
    "the model registry",
    registry,
    (nonce) =>
      wallet.deployContract({ ...common, nonce, abi: modelRegistryAbi, bytecode: modelRegistryBytecode }),
    0,
  );
  await place(
    "the step referee",
    referee,
    (nonce) =>
      wallet.deployContract({ ...common, nonce, abi: stepRefereeAbi, bytecode: stepRefereeBytecode }),
    1,
  );
  await place(
    "the operator registry",
    operators,
    (nonce) =>
      wallet.deployContract({
        ...common,
        nonce,
        abi: operatorRegistryAbi,
        bytecode: operatorRegistryBytecode,
        args: [oracle, game, ofOperators],
      }),
    2,
  );
  await place(
    "the oracle",
    oracle,
    (nonce) =>
      wallet.deployContract({
        ...common,
        nonce,
        abi: suretyOracleAbi,
        bytecode: suretyOracleBytecode,
        args: [registry, operators, game, ofOracle],
      }),
    3,
  );
  await place(
    "the dispute game",
    game,
    (nonce) =>
      wallet.deployContract({
        ...common,
        nonce,
        abi: disputeGameAbi,
        bytecode: disputeGameBytecode,
        args: [oracle, referee, ofGame],
      }),
    4,
  );
  return { registry, operators, oracle, game, referee, fromBlock: fromBlock ?? 0n };
}
