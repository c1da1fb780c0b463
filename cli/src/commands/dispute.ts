import { openChain, type SuretyAddresses } from "@surety/chain";
import { readDeployment } from "@surety/service";
import type { Command } from "commander";
import { DEVNET_DIR, readDevnetFile } from "../devnet/devnet-file.ts";
import { describeDispute, describeDisputes } from "../dispute/describe-dispute.ts";
import { type ReadDisputesParameters, readDispute, readDisputes } from "../dispute/read-disputes.ts";
import { print, toJson } from "../output.ts";
import { wholeNumber } from "./numbers.ts";
import { addSimulateCommand } from "./simulate.ts";

interface ChainOptions {
  readonly rpcUrl?: string;
  readonly deployment?: string;
  readonly startBlock?: number;
  readonly dir: string;
  readonly json?: true;
}

/** `surety dispute list | show | simulate`. */
export function addDisputeCommands(program: Command): void {
  const dispute = program.command("dispute").description("look at disputes on a chain, or play one without");
  onChain(dispute.command("list"))
    .description("every dispute, newest first, and whose move each waits for")
    .option("--open", "only those that are not over")
    .addHelpText(
      "after",
      "\nExample:\n  surety dispute list --open --rpc-url $RPC --deployment deployment.json",
    )
    .action(async ({ open, ...options }: ChainOptions & { readonly open?: true }) => {
      const all = await readDisputes(await placeOf(options));
      const disputes = open ? all.filter(({ ended }) => !ended) : all;
      print(
        options.json
          ? toJson(disputes.map(({ moves, ...rest }) => ({ ...rest, moves: moves.length })))
          : describeDisputes(disputes),
      );
    });
  onChain(dispute.command("show"))
    .description(
      "one dispute as the walk it takes: every move, where it led, when, and its gas; the clocks; the end",
    )
    .argument(
      "<game>",
      "a game's number or the beginning of it as list prints it (0x...), or an answer's number",
    )
    .addHelpText("after", "\nExample:\n  surety dispute show 0x5cde1f0a2b")
    .action(async (game: string, options: ChainOptions) => {
      const found = await readDispute(await placeOf(options), game);
      print(options.json ? toJson(found) : describeDispute(found));
    });
  addSimulateCommand(dispute);
}

function onChain(command: Command): Command {
  return command
    .option("--rpc-url <url>", "JSON-RPC endpoint (default: the devnet's)")
    .option("--deployment <file>", "the contracts' addresses (default: the devnet's)")
    .option("--start-block <block>", "first block to read (default: the deployment's, else 0)", wholeNumber)
    .option("--dir <dir>", "the devnet's folder", DEVNET_DIR)
    .option("--json", "print JSON");
}

/** @throws FatalError NO_DEVNET where neither options nor a devnet say where to look */
async function placeOf(options: ChainOptions): Promise<ReadDisputesParameters> {
  const { rpcUrl, deployment, startBlock } = options;
  const devnet = rpcUrl && deployment ? undefined : readDevnetFile(options.dir);
  const file = deployment ? readDeployment(deployment) : undefined;
  const addresses = file?.addresses ?? (devnet?.addresses as SuretyAddresses);
  const first = startBlock ?? file?.startBlock ?? (file ? 0 : devnet?.fromBlock) ?? 0;
  const chain = await openChain({ rpcUrl: rpcUrl ?? (devnet?.rpcUrl as string) });
  return { chain, addresses, startBlock: BigInt(first) };
}
