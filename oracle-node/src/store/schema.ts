import { REQUESTS_TABLE } from "@surety/service";

/**
 * What the node keeps on disk. Rows that came from the chain carry the number of their block, so that a reorg is undone by deleting what
 * is newer than the last block that stayed. Ids are decimal text: they are 256 bits wide.
 *
 * `published_outputs` finds the answers that the chain has the roots of only.
 *
 * `answers` is the node's protection against itself: what it said is written down before it is sent, and never forgotten.
 */
export const SCHEMA = `${REQUESTS_TABLE}
CREATE TABLE IF NOT EXISTS request_ends (id TEXT PRIMARY KEY, block INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS assertions (id TEXT PRIMARY KEY, request_id TEXT NOT NULL, block INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS assertion_ends (id TEXT PRIMARY KEY, block INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS games (id TEXT PRIMARY KEY, assertion_id TEXT NOT NULL, block INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS game_ends (id TEXT PRIMARY KEY, block INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS audits (id TEXT PRIMARY KEY, reveal_by INTEGER NOT NULL, block INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS traces_shown (id TEXT PRIMARY KEY, block INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS answers (
  request_id TEXT NOT NULL, model_id TEXT NOT NULL, input_hash TEXT NOT NULL, question TEXT NOT NULL,
  output BLOB NOT NULL, fault TEXT,
  PRIMARY KEY (request_id, model_id, input_hash)
) STRICT;
CREATE TABLE IF NOT EXISTS published_outputs (
  root TEXT PRIMARY KEY, request_id TEXT NOT NULL, model_id TEXT NOT NULL, input_hash TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS answers_by_question ON answers (question);
`;

/** Tables whose rows a reorg takes away. */
export const CHAIN_TABLES = [
  "requests",
  "request_references",
  "request_ends",
  "assertions",
  "assertion_ends",
  "games",
  "game_ends",
  "audits",
  "traces_shown",
] as const;
