import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import {
  type Chain,
  type DeployWallet,
  deploySurety,
  depositStake,
  joinModel,
  modelSummary,
  registerModel,
  requireContracts,
  type SuretyAddresses,
  type SuretyDeployment,
  type SuretyParameters,
  type TransactionManager,
} from "@surety/chain";
import { type Bundle, writeBundle } from "@surety/engine";
import { errorCode, type ModelId } from "@surety/protocol";
import { readDeployment } from "@surety/service";

export interface SetUpDevnetParameters {
  readonly chain: Chain;
  /** Of the account that deploys and pays. */
  readonly wallet: DeployWallet;
  /** Of the same account. */
  readonly deployer: TransactionManager;
  readonly bundle: Bundle;
  readonly parameters: SuretyParameters;
  /** Takes `deployment.json` and `bundles/`, which services are started with. */
  readonly outDir: string;
}

/** What services are started with. */
export interface Devnet {
  readonly deployment: SuretyDeployment;
  readonly deploymentFile: string;
  readonly bundlesDir: string;
}

/** Where a devnet's files are in its directory. */
export function devnetFiles(outDir: string) {
  return { deploymentFile: path.join(outDir, "deployment.json"), bundlesDir: path.join(outDir, "bundles") };
}

/**
 * Deploys the contracts, registers a model, and writes down both.
 *
 * @throws ContractRevertError, FatalError DEPLOYMENT_FAILED
 */
export async function setUpDevnet(parameters: SetUpDevnetParameters): Promise<Devnet> {
  const { chain, wallet, deployer, bundle, outDir } = parameters;
  const { deploymentFile, bundlesDir } = devnetFiles(outDir);
  const deployment = await deploySurety(wallet, chain.client, parameters.parameters);
  await deployer.send(registerModel(deployment, bundle.header, "file:digits"));
  mkdirSync(bundlesDir, { recursive: true });
  writeBundle(bundle, path.join(bundlesDir, "digits"));
  const { fromBlock, ...addresses } = deployment;
  writeFileSync(deploymentFile, `${JSON.stringify({ ...addresses, startBlock: Number(fromBlock) })}\n`);
  return { deployment, deploymentFile, bundlesDir };
}

/** Stakes an operator and has it serve the model. */
export async function stakeOperator(
  operator: TransactionManager,
  addresses: SuretyAddresses,
  modelId: ModelId,
  stakeWei: bigint,
): Promise<void> {
  await operator.send(depositStake(addresses, stakeWei));
  await operator.send(joinModel(addresses, modelId));
}

/** The contracts that `outDir` tells of, if they stand on this chain and know the model. */
export async function standingDevnet(
  chain: Chain,
  outDir: string,
  modelId: ModelId,
): Promise<SuretyAddresses | undefined> {
  const { deploymentFile } = devnetFiles(outDir);
  if (!existsSync(deploymentFile)) return undefined;
  const { addresses } = readDeployment(deploymentFile);
  try {
    await requireContracts(chain, addresses);
  } catch (error) {
    if (errorCode(error) === "NO_CONTRACT") return undefined;
    throw error;
  }
  return (await modelSummary(chain, addresses, modelId)).registered ? addresses : undefined;
}
