import { foundText, transcriptTable } from "../transcript.ts";
import type { Simulation } from "./result.ts";

/** A simulated dispute for people: every transaction, then the totals. */
export function describeSimulation(result: Simulation): string {
  const { winner, layer, movesBySide, gas, masked } = result;
  const found =
    layer === null
      ? `The game found no wrong element: the challenger's step was refused (${result.refusedStep}) and its clock ran out.`
      : `Found ${foundText({ ...result, layer })}.`;
  return [
    ...transcriptTable(result.transcript),
    "",
    `Winner: ${winner}. ${found}`,
    `Moves: poster ${movesBySide.poster}, challenger ${movesBySide.challenger}. Transactions: ${result.transactions}. Gas: ${gas.total.toLocaleString("en")}.`,
    ...(masked
      ? ["The changed element does not show in the output, so the posted output was changed too."]
      : []),
  ].join("\n");
}
