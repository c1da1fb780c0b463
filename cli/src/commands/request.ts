import { createTransactionManager, decodeLogs, findLog, quoteWei, requestInference } from "@surety/chain";
import { waitForResult } from "@surety/client";
import { type Bundle, inputsToBytes, loadBundle, readInputs, tensorFromBytes } from "@surety/engine";
import { FatalError, type ModelOutput, parseRequestId, UsageError } from "@surety/protocol";
import type { Command } from "commander";
import { formatEther } from "viem";
import { testDigit } from "../devnet/digits.ts";
import { print, toJson } from "../output.ts";
import {
  addConnectionOptions,
  addSenderOptions,
  type ConnectionOptions,
  connect,
  type SenderOptions,
  senderOf,
} from "./connection.ts";
import { wholeNumber } from "./numbers.ts";

const DEADLINE_SECONDS = 3_600;

interface RequestOptions extends ConnectionOptions, SenderOptions {
  readonly input?: string;
  readonly digit?: number;
  readonly bundle?: string;
  readonly timeout: number;
  readonly wait: boolean;
  readonly json?: true;
}

export function addRequestCommand(program: Command): void {
  const request = program
    .command("request")
    .description("ask the oracle for a model's output and wait for the final answer")
    .option("--input <file>", "input file (.pb, .npy, .json, idx)")
    .option("--digit <number>", "a digit of the MNIST test set instead", wholeNumber)
    .option("--bundle <dir>", "the compiled model (default: the devnet's)");
  addSenderOptions(addConnectionOptions(request))
    .option(
      "--timeout <seconds>",
      "how long to wait, and the request's deadline",
      wholeNumber,
      DEADLINE_SECONDS,
    )
    .option("--no-wait", "print the request's number and do not wait for the answer")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExamples:\n  surety request --digit 7\n  surety request --bundle digits --input digit.pb --rpc-url $RPC --deployment deployment.json",
    )
    .action(ask);
}

async function ask(options: RequestOptions): Promise<void> {
  const { json, timeout, wait } = options;
  const { chain, addresses, devnet } = await connect(options, options.bundle !== undefined);
  const bundle = loadBundle(options.bundle ?? (devnet?.bundle as string));
  const sender = createTransactionManager({ chain, account: await senderOf(chain, options, "consumer") });
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
