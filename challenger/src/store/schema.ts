import { type Migration, REQUESTS_TABLE } from "@surety/service";

/**
 * What the challenger keeps on disk. Rows that came from the chain carry the number of their block, so that a reorg is undone by deleting
 * what is newer than the last block that stayed. Ids are decimal text: they are 256 bits wide.
 */
export const SCHEMA = `${REQUESTS_TABLE}
CREATE TABLE IF NOT EXISTS assertions (
  id TEXT PRIMARY KEY, request_id TEXT NOT NULL, poster TEXT NOT NULL, output BLOB NOT NULL,
  output_form TEXT NOT NULL, block INTEGER NOT NULL,
  verdict TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS settlements (assertion_id TEXT PRIMARY KEY, outcome TEXT NOT NULL, block INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS games (
  id TEXT PRIMARY KEY, assertion_id TEXT NOT NULL, challenger TEXT NOT NULL, block INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS endings (game_id TEXT PRIMARY KEY, outcome TEXT NOT NULL, paid_wei TEXT NOT NULL, block INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS attentions (assertion_id TEXT PRIMARY KEY, state TEXT NOT NULL, block INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS reveals (
  assertion_id TEXT NOT NULL, kind TEXT NOT NULL, instruction INTEGER NOT NULL, height INTEGER NOT NULL,
  position INTEGER NOT NULL, data BLOB NOT NULL, block INTEGER NOT NULL,
  PRIMARY KEY (assertion_id, kind, instruction, height, position)
) STRICT;
`;

/** What changes the tables of older versions. */
export const MIGRATIONS: readonly Migration[] = [
  /** Before there were answers by reference, outputs were always bytes. */
  (db, hasColumn) => {
    if (hasColumn("assertions", "output_form")) return;
    db.exec(`ALTER TABLE assertions RENAME TO older_assertions;
      CREATE TABLE assertions (
        id TEXT PRIMARY KEY, request_id TEXT NOT NULL, poster TEXT NOT NULL, output BLOB NOT NULL,
        output_form TEXT NOT NULL, block INTEGER NOT NULL, verdict TEXT
      ) STRICT;
      INSERT INTO assertions SELECT id, request_id, poster, output, 'bytes', block, verdict FROM older_assertions;
      DROP TABLE older_assertions;`);
  },
];

/** Tables whose rows a reorg takes away. */
export const CHAIN_TABLES = [
  "requests",
  "request_references",
  "assertions",
  "settlements",
  "games",
  "endings",
  "reveals",
  "attentions",
] as const;

/** Stands in \`reveals.instruction\` for the trace's own tree. */
export const TRACE_TREE = -1;
