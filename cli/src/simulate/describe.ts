import { table } from "../table.ts";
import type { Simulation } from "./result.ts";

/** A simulated dispute for people: every transaction, then the totals. */
export function describeSimulation(result: Simulation): string {
  const { winner, layer, element, posted, expected, movesBySide, gas, masked } = result;
  const rows = result.transcript.map(({ by, move, gas: used, calldataBytes }) => [
    `${by} ${move}`,
    used.toLocaleString("en"),
    calldataBytes.toLocaleString("en"),
  ]);
  const found =
    layer === null
      ? `The game found no wrong element: the challenger's step was refused (${result.refusedStep}) and its clock ran out.`
      : `Found layer ${layer}, element ${element}: posted ${posted}, the chain computes ${expected}.`;
  return [
    ...table(["who and move", "gas", "calldata bytes"], rows),
    "",
    `Winner: ${winner}. ${found}`,
    `Moves: poster ${movesBySide.poster}, challenger ${movesBySide.challenger}. Transactions: ${result.transactions}. Gas: ${gas.total.toLocaleString("en")}.`,
    ...(masked
      ? ["The changed element does not show in the output, so the posted output was changed too."]
      : []),
  ].join("\n");
}
