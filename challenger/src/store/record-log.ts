import type { SQLInputValue } from "node:sqlite";
import type { SuretyLog } from "@surety/chain";
import { parsePhase } from "@surety/protocol";
import { type Run, recordReference, recordRequest } from "@surety/service";
import { type Hex, hexToBytes } from "viem";
import { blobOf } from "./reveal-blob.ts";
import { TRACE_TREE } from "./schema.ts";

/** Writes down one event of the contracts; a second time changes nothing. */
export function recordLog(run: Run, log: SuretyLog): void {
  const block = log.blockNumber;
  switch (log.eventName) {
    case "Requested":
    case "BatchRequested":
      recordRequest(run, log);
      return;
    case "RequestedByReference":
      recordReference(run, log);
      return;
    case "PostedByReference": {
      const { assertionId, requestId, poster, outputRoot } = log.args;
      run(
        "INSERT OR REPLACE INTO assertions VALUES (?, ?, ?, ?, 'root', ?, NULL)",
        ...[String(assertionId), String(requestId), poster.toLowerCase(), bytes(outputRoot)],
        block,
      );
      return;
    }
    case "Posted": {
      const { assertionId, requestId, poster, output } = log.args;
      run(
        "INSERT OR REPLACE INTO assertions VALUES (?, ?, ?, ?, 'bytes', ?, NULL)",
        ...[String(assertionId), String(requestId), poster.toLowerCase(), bytes(output)],
        block,
      );
      return;
    }
    case "Finalised":
    case "Refuted": {
      const outcome = log.eventName === "Refuted" ? "refuted" : "finalised";
      run(
        "INSERT OR REPLACE INTO settlements VALUES (?, ?, ?)",
        String(log.args.assertionId),
        outcome,
        block,
      );
      return;
    }
    case "GameOpened": {
      const { gameId, assertionId, challenger } = log.args;
      const values = [String(gameId), String(assertionId), challenger.toLowerCase()];
      run("INSERT OR REPLACE INTO games VALUES (?, ?, ?, ?)", ...values, block);
      return;
    }
    case "GameEnded": {
      const { gameId, outcome, paidWei } = log.args;
      const values = [String(gameId), parsePhase(outcome), String(paidWei)];
      run("INSERT OR REPLACE INTO endings VALUES (?, ?, ?, ?)", ...values, block);
      return;
    }
    case "NodeRevealed": {
      const { assertionId, inTensor, instruction, height, position, children } = log.args;
      const tree = inTensor ? instruction : TRACE_TREE;
      reveal(run, assertionId, "nodes", tree, height, position, blobOf(children), block);
      return;
    }
    case "BytesRevealed": {
      const { assertionId, instruction, height, position, data } = log.args;
      reveal(run, assertionId, "bytes", instruction, height, position, bytes(data), block);
      return;
    }
    default:
      return;
  }
}

function reveal(run: Run, assertionId: bigint, ...values: SQLInputValue[]): void {
  run("INSERT OR REPLACE INTO reveals VALUES (?, ?, ?, ?, ?, ?, ?)", String(assertionId), ...values);
}

function bytes(hex: Hex): Uint8Array {
  return hexToBytes(hex);
}
