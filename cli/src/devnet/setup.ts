/** Makes a devnet ready for `docker-compose.yml`: contracts, model, two staked operators, the files that services are started with. */
import { createTransactionManager, DEVNET_PARAMETERS, openChain, serves } from "@surety/chain";
import { devAccount } from "@surety/chain/testing";
import { isText } from "@surety/service";
import { createWalletClient, http } from "viem";
import { exitCodeOf, print, printError, toJson } from "../output.ts";
import { compileDigits } from "./digits.ts";
import { SETUP_PROGRAM } from "./options.ts";
import { devnetFiles, setUpDevnet, stakeOperator, standingDevnet } from "./set-up-devnet.ts";

const DEPLOYER = 0;
const OPERATORS = [1, 2];

async function main(): Promise<void> {
  const options = SETUP_PROGRAM.readOptions(process.argv.slice(2), process.env);
  if (isText(options)) return print(options.text);
  const { rpcUrl, outDir } = options;
  const chain = await openChain({ rpcUrl });
  const { bundle } = await compileDigits();
  const { modelId } = bundle;
  const parameters = DEVNET_PARAMETERS;
  const managerOf = (index: number) => createTransactionManager({ chain, account: devAccount(index) });

  const standing = await standingDevnet(chain, outDir, modelId);
  const deploy = async () => {
    const wallet = createWalletClient({ account: devAccount(DEPLOYER), transport: http(rpcUrl) });
    const deployer = managerOf(DEPLOYER);
    return (await setUpDevnet({ chain, wallet, deployer, bundle, parameters, outDir })).deployment;
  };
  const addresses = standing ?? (await deploy());
  const staked = await Promise.all(
    OPERATORS.map(managerOf).map(async (operator) => {
      if (await serves(chain, addresses, operator.address, modelId)) return false;
      await stakeOperator(operator, addresses, modelId, parameters.minStakeWei);
      return true;
    }),
  );
  const changed = standing === undefined || staked.includes(true);
  print(toJson({ modelId, outDir, changed, ...devnetFiles(outDir) }));
}

main().catch((error: unknown) => {
  printError(error, false);
  process.exitCode = exitCodeOf(error);
});
