import type { Chain, SuretyAddresses } from "@surety/chain";
import { decodeLogs, findLog } from "@surety/chain";
import { disputeGameAbi, FatalError } from "@surety/protocol";
import { type Address, decodeFunctionData, size, type TransactionReceipt } from "viem";
import { foundText, gasOf, type TranscriptEntry, transcriptTable } from "../transcript.ts";

/** What a dispute took, read back from the chain. */
export interface DisputeReport {
  readonly moves: readonly TranscriptEntry[];
  readonly movesBySide: Readonly<Record<string, number>>;
  readonly transactions: number;
  readonly totalGas: number;
  /** By the blocks' clock, from the first move to the last. */
  readonly seconds: number;
  /** The instruction and element the game found. */
  readonly layer: number;
  readonly element: number;
  /** The element's bits as posted and as the chain recomputed them. */
  readonly posted: bigint;
  readonly expected: bigint;
  readonly slashedWei: bigint;
  readonly paidWei: bigint;
  readonly burnedWei: bigint;
}

export interface DisputeReportParameters {
  readonly chain: Chain;
  readonly addresses: SuretyAddresses;
  readonly fromBlock: bigint;
  /** Names of the accounts that may have moved, by lower-case address. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * Reads every transaction sent to the dispute game since a block, and how the game ended.
 *
 * @throws FatalError DISPUTE_NOT_FOUND when no game was decided by a step in that range
 */
export async function reportDispute(parameters: DisputeReportParameters): Promise<DisputeReport> {
  const { chain, addresses, fromBlock, names } = parameters;
  const moves: TranscriptEntry[] = [];
  const receipts: TransactionReceipt[] = [];
  const times: number[] = [];
  const head = await chain.client.getBlockNumber();
  for (let blockNumber = fromBlock; blockNumber <= head; blockNumber++) {
    const block = await chain.client.getBlock({ blockNumber, includeTransactions: true });
    for (const { hash, to, from, input } of block.transactions) {
      if (to?.toLowerCase() !== addresses.game.toLowerCase()) continue;
      const receipt = await chain.client.getTransactionReceipt({ hash });
      receipts.push(receipt);
      times.push(Number(block.timestamp));
      const { functionName } = decodeFunctionData({ abi: disputeGameAbi, data: input });
      moves.push({
        by: nameOf(from, names),
        move: functionName,
        gas: Number(receipt.gasUsed),
        calldataBytes: size(input),
        transaction: hash,
      });
    }
  }
  const logs = decodeLogs(
    addresses,
    receipts.flatMap((receipt) => receipt.logs),
  );
  const judged = findLog(logs, "game", "StepJudged");
  const ended = findLog(logs, "game", "GameEnded");
  const slashed = findLog(logs, "operators", "Slashed");
  if (judged === undefined || ended === undefined || slashed === undefined) {
    throw new FatalError("DISPUTE_NOT_FOUND", `No dispute was decided by a step since block ${fromBlock}.`);
  }
  const movesBySide: Record<string, number> = {};
  for (const { by, move } of moves) {
    // Taking the reward home is no move of the game.
    if (move !== "withdraw") movesBySide[by] = (movesBySide[by] ?? 0) + 1;
  }
  return {
    moves,
    movesBySide,
    transactions: moves.length,
    totalGas: gasOf(moves),
    seconds: (times.at(-1) ?? 0) - (times[0] ?? 0),
    layer: judged.args.instruction,
    element: judged.args.element,
    posted: judged.args.posted,
    expected: judged.args.expected,
    slashedWei: slashed.args.amountWei,
    paidWei: slashed.args.paidWei,
    burnedWei: slashed.args.burnedWei,
  };
}

function nameOf(address: Address, names: ReadonlyMap<string, string>): string {
  return names.get(address.toLowerCase()) ?? address;
}

/** The transactions of a dispute as a table with totals. */
export function disputeTable(report: DisputeReport): string[] {
  const sides = Object.entries(report.movesBySide).map(([side, count]) => `${side} ${count}`);
  return [
    ...transcriptTable(report.moves),
    "",
    `moves ${sides.join(", ")} · transactions ${report.transactions} · gas ${report.totalGas.toLocaleString("en")} · ${report.seconds} s`,
    `found ${foundText(report)}`,
  ];
}
