import type { SuretyLog } from "@surety/chain";
import {
  type Hash32,
  type ModelId,
  parseHash32,
  parseModelId,
  parseRequestId,
  type RequestId,
} from "@surety/protocol";
import { hexToBytes } from "viem";
import type { Row, Run } from "./locked-store.ts";

/**
 * Questions as they were asked; ids are decimal text, since they are 256 bits wide. A question by reference stands in `request_references`, and in
 * `requests` as well once its input is at hand.
 */
export const REQUESTS_TABLE = `
CREATE TABLE IF NOT EXISTS requests (
  id TEXT PRIMARY KEY, model_id TEXT NOT NULL, input BLOB NOT NULL, block INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS request_references (
  id TEXT PRIMARY KEY, model_id TEXT NOT NULL, input_root TEXT NOT NULL, uri TEXT NOT NULL, block INTEGER NOT NULL
) STRICT;
`;

/** A question whose input is to be got. */
export interface InputReference {
  readonly requestId: RequestId;
  readonly modelId: ModelId;
  readonly inputRoot: Hash32;
  /** What the requester says of where it is: not to be trusted. */
  readonly uri: string;
}

/** Of a batch, the inputs of all items, one after the other. */
export function recordRequest(
  run: Run,
  log: Extract<SuretyLog, { eventName: "Requested" | "BatchRequested" }>,
): void {
  const { requestId, modelId, input } = log.args;
  const values = [String(requestId), modelId, hexToBytes(input), log.blockNumber];
  run("INSERT OR REPLACE INTO requests VALUES (?, ?, ?, ?)", ...values);
}

export function recordReference(
  run: Run,
  log: Extract<SuretyLog, { eventName: "RequestedByReference" }>,
): void {
  const { requestId, modelId, inputRoot, uri } = log.args;
  const values = [String(requestId), modelId, inputRoot, uri, log.blockNumber];
  run("INSERT OR REPLACE INTO request_references VALUES (?, ?, ?, ?, ?)", ...values);
}

/** Notes the input of a question by reference; nothing when a reorg has meanwhile put something else in the question's place. */
export function recordInput(run: Run, { requestId, inputRoot }: InputReference, input: Uint8Array): void {
  run(
    `INSERT OR IGNORE INTO requests SELECT id, model_id, ?, block FROM request_references WHERE id = ? AND input_root = ?`,
    ...[input, String(requestId), inputRoot],
  );
}

export function toReference(row: Row): InputReference {
  return {
    requestId: parseRequestId(row.id as string),
    modelId: parseModelId(row.model_id as string),
    inputRoot: parseHash32(row.input_root as string),
    uri: row.uri as string,
  };
}
