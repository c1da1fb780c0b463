import type { SuretyLog } from "@surety/chain";
import { hexToBytes } from "viem";
import type { Run } from "./locked-store.ts";

/** Questions as they were asked; ids are decimal text, since they are 256 bits wide. */
export const REQUESTS_TABLE = `
CREATE TABLE IF NOT EXISTS requests (
  id TEXT PRIMARY KEY, model_id TEXT NOT NULL, input BLOB NOT NULL, block INTEGER NOT NULL
) STRICT;
`;

export function recordRequest(run: Run, log: Extract<SuretyLog, { eventName: "Requested" }>): void {
  const { requestId, modelId, input } = log.args;
  const values = [String(requestId), modelId, hexToBytes(input), log.blockNumber];
  run("INSERT OR REPLACE INTO requests VALUES (?, ?, ?, ?)", ...values);
}
