import { createTransactionManager, openChain } from "@surety/chain";
import { devAccount } from "@surety/chain/testing";
import { loadBundle } from "@surety/engine";
import { parseRequestId } from "@surety/protocol";
import type { Command } from "commander";
import { formatEther } from "viem";
import { ask } from "../devnet/ask.ts";
import { DEVNET_DIR, type DevnetFile, readDevnetFile } from "../devnet/devnet-file.ts";
import { testDigit } from "../devnet/digits.ts";
import { disputeTable } from "../devnet/dispute-report.ts";
import { orderFault, watchFault } from "../devnet/order-fault.ts";
import { ROLES } from "../devnet/roles.ts";
import { runDevnet } from "../devnet/run-devnet.ts";
import { EXIT, print, toJson } from "../output.ts";
import { withProgress } from "../progress.ts";
import { addressOf, ether, wholeNumber } from "./numbers.ts";

const WATCH_MS = 180_000;
/** Lines that a start takes: the compiler's, the chain's, two nodes', the challenger's. */
const START_LINES = 5;

export function addDevnetCommands(program: Command): void {
  const devnet = program
    .command("devnet")
    .enablePositionalOptions()
    .description("run a chain, the contracts, two nodes and a challenger on this machine until Ctrl-C")
    .option("--port <port>", "the chain's port on 127.0.0.1", wholeNumber, 8545)
    .option("--explorer-port <port>", "the explorer's port on 127.0.0.1, 0 for a free one", wholeNumber, 8546)
    .option("--dir <dir>", "folder for its files", DEVNET_DIR)
    .option("--json", "print one JSON object when it is ready")
    .addHelpText(
      "after",
      "\nExample:\n  surety devnet            # then, elsewhere:\n  surety request --digit 7\n  surety devnet fault --layer 3",
    )
    .action(async ({ port, explorerPort, dir, json }: DevnetCommandOptions) => {
      const running = await withProgress(json, (say) => {
        let ready = false;
        let lines = 0;
        const onEvent = (line: string) => {
          if (!json) print(line);
          // What it says until it is ready.
          if (!ready) say("starting the devnet", ++lines, START_LINES);
        };
        return runDevnet({ dir, port, explorerPort, onEvent }).finally(() => {
          ready = true;
        });
      });
      if (json) print(toJson(running.facts));
      else printReady(running.facts);
      await new Promise<void>((resolve) => {
        for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
      });
      if (!json) print("stopping");
      await running.stop();
      // A transaction may still be waited for, on a chain that is gone.
      process.exit(EXIT.success);
    });

  devnet
    .command("fault")
    .description("have a node lie inside the network, and watch it disputed and slashed")
    .requiredOption("--layer <layer>", "instruction whose tensor gets one wrong element", wholeNumber)
    .option("--element <element>", "which element (default: in the middle of the tensor)", wholeNumber)
    .option("--request <id>", "the request to lie about (default: asks one itself)", wholeNumber)
    .option("--dir <dir>", "the devnet's folder", DEVNET_DIR)
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  surety devnet fault --layer 3 --element 100")
    .action(fault);

  devnet
    .command("fund")
    .description("give an account ether of the devnet")
    .argument("<account>", "its address, or the file of its encrypted key")
    .argument("<ether>", "how much, in ether", ether)
    .option("--dir <dir>", "the devnet's folder", DEVNET_DIR)
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  surety devnet fund operator.json 20")
    .action(fund);
}

async function fault(options: FaultOptions): Promise<void> {
  const { layer, element, request, json } = options;
  const facts = readDevnetFile(options.dir);
  const say = (line: string) => json || print(line);
  const requestId = await orderFault(facts, {
    layer,
    ...(element === undefined ? {} : { element }),
    ...(request === undefined ? {} : { requestId: parseRequestId(BigInt(request)) }),
  });
  say(`whoever answers request ${requestId} will lie in layer ${layer}`);
  if (request === undefined) await askDigit(facts, Number(requestId) % 10_000);
  const report = await watchFault(facts, requestId, WATCH_MS);
  if (json) return print(toJson({ requestId, ...report }));
  for (const line of disputeTable(report)) print(line);
  print(
    `slashed ${formatEther(report.slashedWei)} ETH: ${formatEther(report.paidWei)} to the challenger, ${formatEther(report.burnedWei)} burned; the request was answered again`,
  );
}

/** Ether of the deployer's, for accounts that are not among the devnet's own. */
async function fund(
  to: string,
  amountWei: bigint,
  { dir, json }: { dir: string; json?: true },
): Promise<void> {
  const address = addressOf(to);
  const { rpcUrl } = readDevnetFile(dir);
  const chain = await openChain({ rpcUrl });
  const sender = createTransactionManager({ chain, account: devAccount(ROLES.deployer) });
  const call = { what: "transfer", to: address, data: "0x", valueWei: amountWei } as const;
  const { transactionHash } = await sender.send(call);
  const balanceWei = await chain.client.getBalance({ address });
  if (json) return print(toJson({ address, balanceWei, transaction: transactionHash }));
  print(`${address} has ${formatEther(balanceWei)} ETH`);
}

interface DevnetCommandOptions {
  readonly port: number;
  readonly explorerPort: number;
  readonly dir: string;
  readonly json?: true;
}

interface FaultOptions {
  readonly layer: number;
  readonly element?: number;
  readonly request?: number;
  readonly dir: string;
  readonly json?: true;
}

/** Has the devnet's example consumer ask about a test digit. */
async function askDigit(facts: DevnetFile, index: number) {
  const chain = await openChain({ rpcUrl: facts.rpcUrl });
  const consumer = createTransactionManager({ chain, account: devAccount(ROLES.consumer) });
  const deployment = { ...facts.addresses, fromBlock: BigInt(facts.fromBlock) };
  const { image } = testDigit(loadBundle(facts.bundle), index);
  return ask({ chain, deployment, reader: facts.reader, transactions: { consumer } }, image);
}

function printReady(facts: DevnetFile): void {
  print("");
  print(`ready       ${facts.rpcUrl}, chain ${facts.chainId}`);
  for (const name of ["registry", "operators", "oracle", "game"] as const)
    print(`${name.padEnd(12)}${facts.addresses[name]}`);
  print(`${"consumer".padEnd(12)}${facts.reader} (DigitReader)`);
  print(`${"model".padEnd(12)}${facts.modelId} (MNIST)`);
  print(`${"explorer".padEnd(12)}${facts.explorer}`);
  print("");
  print("try         surety request --digit 7");
  print("            surety devnet fault --layer 3");
  print("stop        Ctrl-C");
}
