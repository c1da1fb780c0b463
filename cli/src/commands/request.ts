import {
  type Chain,
  createTransactionManager,
  decodeLogs,
  findLog,
  isDevnet,
  openChain,
  quoteWei,
  requestInference,
  type SuretyAddresses,
} from "@surety/chain";
import { devAccount } from "@surety/chain/testing";
import { waitForResult } from "@surety/client";
import { type Bundle, inputsToBytes, loadBundle, readInputs, tensorFromBytes } from "@surety/engine";
import { FatalError, type ModelOutput, parseRequestId, UsageError } from "@surety/protocol";
import { readDeployment } from "@surety/service";
import { keySourceOf, loadAccount, terminalPassword } from "@surety/service/keys";
import type { Command } from "commander";
import { formatEther, type LocalAccount } from "viem";
import { DEVNET_DIR, readDevnetFile } from "../devnet/devnet-file.ts";
import { testDigit } from "../devnet/digits.ts";
import { ROLES } from "../devnet/world.ts";
import { print, toJson } from "../output.ts";
import { wholeNumber } from "./numbers.ts";

const DEADLINE_SECONDS = 3_600;

interface RequestOptions {
  readonly input?: string;
  readonly digit?: number;
  readonly bundle?: string;
  readonly rpcUrl?: string;
  readonly deployment?: string;
  readonly keystore?: string;
  readonly passwordFile?: string;
  readonly keyFile?: string;
  readonly timeout: number;
  readonly wait: boolean;
  readonly dir: string;
  readonly json?: true;
}

export function addRequestCommand(program: Command): void {
  program
    .command("request")
    .description("ask the oracle for a model's output and wait for the final answer")
    .option("--input <file>", "input file (.pb, .npy, .json, idx)")
    .option("--digit <number>", "a digit of the MNIST test set instead", wholeNumber)
    .option("--bundle <dir>", "the compiled model (default: the devnet's)")
    .option("--rpc-url <url>", "JSON-RPC endpoint (default: the devnet's)")
    .option("--deployment <file>", "the contracts' addresses (default: the devnet's)")
    .option("--keystore <file>", "encrypted key of the account that asks and pays (surety keys)")
    .option("--password-file <file>", "its first line opens the keystore (default: asked for)")
    .option(
      "--key-file <file>",
      "plaintext key, on a development chain; without any key SURETY_PRIVATE_KEY, or a devnet's own account",
    )
    .option(
      "--timeout <seconds>",
      "how long to wait, and the request's deadline",
      wholeNumber,
      DEADLINE_SECONDS,
    )
    .option("--no-wait", "print the request's number and do not wait for the answer")
    .option("--dir <dir>", "the devnet's folder", DEVNET_DIR)
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExamples:\n  surety request --digit 7\n  surety request --bundle digits --input digit.pb --rpc-url $RPC --deployment deployment.json",
    )
    .action(request);
}

async function request(options: RequestOptions): Promise<void> {
  const { json, timeout, wait } = options;
  const at = options.rpcUrl && options.deployment && options.bundle ? undefined : readDevnetFile(options.dir);
  const chain = await openChain({ rpcUrl: options.rpcUrl ?? (at?.rpcUrl as string) });
  const addresses = options.deployment
    ? readDeployment(options.deployment).addresses
    : (at?.addresses as SuretyAddresses);
  const bundle = loadBundle(options.bundle ?? (at?.bundle as string));
  const sender = createTransactionManager({ chain, account: await accountOf(chain, options) });
  const input = inputOf(bundle, options);
  const { modelId } = bundle;
  const feeWei = await quoteWei(chain, addresses, modelId);
  const { timestamp, number: fromBlock } = await chain.client.getBlock();
  const deadline = Number(timestamp) + timeout;
  const receipt = await sender.send(requestInference(addresses, { modelId, input, feeWei, deadline }));
  const requested = findLog(decodeLogs(addresses, receipt.logs), "oracle", "Requested");
  if (requested === undefined) throw new FatalError("REQUEST_LOST", "The request left no event.");
  const requestId = parseRequestId(requested.args.requestId);
  const asked = { requestId, feeWei, gas: receipt.gasUsed, transaction: receipt.transactionHash };
  if (!json)
    print(`request ${requestId}, ${formatEther(feeWei)} ETH, ${receipt.gasUsed.toLocaleString("en")} gas`);
  if (!wait) return json ? print(toJson(asked)) : undefined;

  const { poster, output } = await waitForResult(chain.client, addresses, {
    ...{ requestId, fromBlock, timeoutMs: timeout * 1_000 },
    onPosted(answer) {
      if (json) return;
      if (answer.attempt > 0) print("an answer was disputed and refuted; its poster is slashed");
      print(`posted by ${answer.poster}, waiting for the end of its window`);
    },
  });
  const outputs = valuesOf(bundle, output);
  if (json) return print(toJson({ ...asked, status: "final", poster, outputs }));
  for (const { name, data } of outputs) print(`${name}: ${data.map((value) => String(value)).join(" ")}`);
  print("final");
}

/** The named account, or on a development chain the one that the devnet has for consumers. */
async function accountOf(chain: Chain, options: RequestOptions): Promise<LocalAccount> {
  const { keystore, passwordFile, keyFile } = options;
  const privateKey = process.env.SURETY_PRIVATE_KEY;
  if ([keystore, keyFile, privateKey].every((given) => given === undefined) && isDevnet(chain.chainId))
    return devAccount(ROLES.consumer);
  const source = keySourceOf({ keystore, passwordFile, keyFile, privateKey });
  return loadAccount(source, chain.chainId, terminalPassword());
}

/** @throws UsageError OPTION_MISSING, OPTION_INVALID */
function inputOf(bundle: Bundle, { input, digit }: RequestOptions): Uint8Array {
  if (digit !== undefined) return testDigit(bundle, digit).image;
  if (input === undefined)
    throw new UsageError("OPTION_MISSING", "Give --input FILE, or --digit NUMBER for the MNIST model.");
  const [sample] = readInputs(input, bundle.manifest.inputs);
  if (sample === undefined) throw new UsageError("OPTION_INVALID", `There is no input in ${input}.`);
  return Buffer.concat(inputsToBytes(bundle, sample));
}

/** The output tensors of a posted answer. */
function valuesOf(bundle: Bundle, output: Uint8Array) {
  let start = 0;
  return bundle.manifest.outputs.map(({ name, dtype, shape }, index) => {
    const { bytes: length } = bundle.header.outputs[index] as ModelOutput;
    const bytes = output.slice(start, start + length);
    start += length;
    return {
      name,
      shape,
      data: Array.from(tensorFromBytes(dtype, shape, bytes).data as ArrayLike<number | bigint>),
    };
  });
}
