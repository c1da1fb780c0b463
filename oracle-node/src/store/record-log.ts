import type { SuretyLog } from "@surety/chain";
import { type Run, recordReference, recordRequest } from "@surety/service";
import { type Address, isAddressEqual } from "viem";

/** Writes down one event of the contracts as far as it concerns this operator; a second time changes nothing. */
export function recordLog(run: Run, operator: Address, log: SuretyLog): void {
  const block = log.blockNumber;
  switch (log.eventName) {
    case "Requested":
    case "BatchRequested":
      recordRequest(run, log);
      return;
    case "RequestedByReference":
      recordReference(run, log);
      return;
    case "Refunded":
      run("INSERT OR REPLACE INTO request_ends VALUES (?, ?)", String(log.args.requestId), block);
      return;
    case "Posted":
    case "PostedByReference": {
      const { assertionId, requestId, poster } = log.args;
      if (!isAddressEqual(poster, operator)) return;
      run(
        "INSERT OR REPLACE INTO assertions VALUES (?, ?, ?)",
        String(assertionId),
        String(requestId),
        block,
      );
      return;
    }
    case "Finalised": {
      const { assertionId, requestId } = log.args;
      run("INSERT OR REPLACE INTO request_ends VALUES (?, ?)", String(requestId), block);
      run("INSERT OR REPLACE INTO assertion_ends VALUES (?, ?)", String(assertionId), block);
      return;
    }
    case "Refuted":
      run("INSERT OR REPLACE INTO assertion_ends VALUES (?, ?)", String(log.args.assertionId), block);
      return;
    case "Audited":
      run(
        "INSERT OR REPLACE INTO audits VALUES (?, ?, ?)",
        ...[String(log.args.assertionId), Number(log.args.revealBy), block],
      );
      return;
    case "TraceCommitted":
      run("INSERT OR REPLACE INTO traces_shown VALUES (?, ?)", String(log.args.assertionId), block);
      return;
    case "GameOpened": {
      const { gameId, assertionId } = log.args;
      run("INSERT OR REPLACE INTO games VALUES (?, ?, ?)", String(gameId), String(assertionId), block);
      return;
    }
    case "GameEnded":
      run("INSERT OR REPLACE INTO game_ends VALUES (?, ?)", String(log.args.gameId), block);
      return;
    default:
      return;
  }
}

/** Deletes what ended in a block that can no longer be removed. */
export function forget(run: Run, finalBlock: bigint): void {
  // With its request: it would be looked for again.
  run(
    "DELETE FROM request_references WHERE id IN (SELECT id FROM request_ends WHERE block <= ?)",
    finalBlock,
  );
  for (const [table, ends] of [
    ["requests", "request_ends"],
    ["assertions", "assertion_ends"],
    ["games", "game_ends"],
  ]) {
    run(`DELETE FROM ${table} WHERE id IN (SELECT id FROM ${ends} WHERE block <= ?)`, finalBlock);
    run(`DELETE FROM ${ends} WHERE block <= ?`, finalBlock);
  }
  for (const table of ["audits", "traces_shown"]) {
    run(`DELETE FROM ${table} WHERE block <= ? AND id NOT IN (SELECT id FROM assertions)`, finalBlock);
  }
}
