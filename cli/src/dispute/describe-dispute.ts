import { formatEther } from "viem";
import { table } from "../table.ts";
import { type DisputeEntry, gameHex } from "./read-disputes.ts";

/** A line a dispute. */
export function describeDisputes(disputes: readonly DisputeEntry[]): string {
  if (disputes.length === 0) return "There was no dispute.";
  const rows = disputes.map((dispute) => [
    gameHex(dispute.gameId).slice(0, 12),
    String(dispute.assertionId),
    short(dispute.poster),
    short(dispute.challenger),
    stateOf(dispute),
    String(dispute.moves.length),
    dispute.gas.toLocaleString("en"),
  ]);
  return table(["game", "answer", "poster", "challenger", "state", "moves", "gas"], rows, "left").join("\n");
}

/** One dispute as the walk it is: a line a move, where it led, how long after the one before, and its gas. */
export function describeDispute(dispute: DisputeEntry): string {
  const { gameId, assertionId, requestId, modelId, poster, challenger, moves, clock, verdict, ended } =
    dispute;
  const party = (address: string) => {
    if (address === poster.toLowerCase()) return "poster";
    return address === challenger.toLowerCase() ? "challenger" : short(address);
  };
  const rows = moves.map(({ by, move, place, time, gas, transaction }, index) => {
    const before = moves[index - 1]?.time;
    const where = !place
      ? ""
      : place.inTensor
        ? `tensor ${place.instruction}, height ${place.height}, position ${place.position}`
        : `trace, height ${place.height}, position ${place.position}`;
    const after = before === undefined ? "" : `+${time - before} s`;
    return [String(index + 1), party(by), move, where, after, gas.toLocaleString("en"), transaction];
  });
  const gasBy = Object.entries(dispute.gasBy).map(([by, gas]) => `${party(by)} ${gas.toLocaleString("en")}`);
  return [
    `game ${gameHex(gameId)}`,
    `answer ${assertionId} to request ${requestId}, model ${modelId}`,
    `poster ${poster}, challenger ${challenger}`,
    "",
    ...table(["", "by", "move", "where", "after", "gas", "transaction"], rows, "left"),
    "",
    `gas: ${dispute.gas.toLocaleString("en")} (${gasBy.join(", ")})`,
    ...(verdict
      ? [
          `recomputed: element ${verdict.element} of tensor ${verdict.instruction}, posted bits 0x${verdict.posted.toString(16)}, right 0x${verdict.expected.toString(16)}`,
        ]
      : []),
    ...(clock
      ? [
          `clocks: poster ${clock.posterSecondsLeft} s, challenger ${clock.challengerSecondsLeft} s`,
          stateOf(dispute),
        ]
      : []),
    ...(ended
      ? [`${ended.outcome}: ${formatEther(ended.paidWei)} paid, ${formatEther(ended.burnedWei)} burned`]
      : []),
  ].join("\n");
}

function stateOf({ clock, ended }: DisputeEntry): string {
  if (ended) return ended.outcome;
  if (!clock) return "unknown";
  if (clock.secondsLeft < 0) return `${clock.turn}, to be claimed`;
  return `${clock.turn} to move, ${clock.secondsLeft} s left`;
}

function short(address: string): string {
  return `${address.slice(0, 8)}…${address.slice(-4)}`;
}
