import type { SuretyAddresses } from "@surety/chain";
import {
  type AssertionId,
  type GameId,
  type ModelId,
  parseAssertionId,
  parseGameId,
  parseModelId,
  parseRequestId,
  type RequestId,
  wholeAnswerOf,
} from "@surety/protocol";
import {
  type InputReference,
  openLockedStore,
  type Row,
  type Run,
  recordInput,
  toReference,
  wholeAnswer,
} from "@surety/service";
import type { Address } from "viem";
import type { Revealed } from "../dispute/revealed.ts";
import { recordLog } from "./record-log.ts";
import { nodesOf } from "./reveal-blob.ts";
import { CHAIN_TABLES, MIGRATIONS, SCHEMA, TRACE_TREE } from "./schema.ts";

/** What the challenger found about an assertion. */
export type Verdict =
  /** The output is right. */
  | "right"
  /** The output is wrong, found twice by two different ways of running the model. */
  | "wrong"
  /** The two ways of running the model do not agree with each other: this machine must not bond on it. */
  | "doubtful"
  /** Wrong, but the oracle or the reserve rule did not let a game be opened any more. */
  | "not-opened"
  /** Not checked: the policy says so. */
  | "skipped";

/** An answer to check, with the question. */
export interface AssertionSeen {
  readonly assertionId: AssertionId;
  readonly requestId: RequestId;
  readonly modelId: ModelId;
  readonly poster: Address;
  /** Concatenation of the model's input tensors. */
  readonly input: Uint8Array;
  /** What was posted: the concatenation of the output tensors, or, by reference, the 32 bytes of their root. */
  readonly output: Uint8Array;
  readonly outputForm: "bytes" | "root";
  readonly verdict: Verdict | undefined;
}

/** `over`: not asked, too late, or settled. */
export type AttentionState = "attended" | "over";

export interface Attention extends AssertionSeen {
  /** undefined: not looked at yet. */
  readonly state: AttentionState | undefined;
}

export interface GameSeen {
  readonly gameId: GameId;
  readonly assertionId: AssertionId;
  /** How it ended; undefined while it lives. */
  readonly outcome: string | undefined;
  readonly paidWei: bigint | undefined;
}

export interface StoreParameters {
  /** Directory of the store; created when missing. `:memory:` keeps nothing. */
  readonly dataDir: string;
  /** Chain and contracts that the store belongs to; another one's is refused. */
  readonly deployment: string;
}

/** What a store belongs to, as one text. */
export function storeOwner(chainId: number, { oracle, game }: SuretyAddresses): string {
  return `${chainId}/${oracle}/${game}`.toLowerCase();
}

/** The challenger's memory: what it saw on the chain, how far it came, and what it found. */
export type Store = ReturnType<typeof openStore>;

/**
 * Opens the store, one process at a time.
 *
 * @throws FatalError STORE_OTHER_DEPLOYMENT, STORE_OTHER_VERSION, STORE_LOCKED
 */
export function openStore({ dataDir, deployment }: StoreParameters) {
  const { all, run, ...stream } = openLockedStore({
    dataDir,
    service: "challenger",
    deployment,
    ownedBy: "another chain or other contracts",
    schema: SCHEMA,
    migrations: MIGRATIONS,
    chainTables: CHAIN_TABLES,
    record: recordLog,
    forget,
  });
  const ASSERTIONS = `SELECT a.*, r.model_id, r.input FROM assertions a JOIN requests r ON r.id = a.request_id
    LEFT JOIN settlements s ON s.assertion_id = a.id`;
  const GAMES = "SELECT g.*, e.outcome, e.paid_wei FROM games g LEFT JOIN endings e ON e.game_id = g.id";

  return {
    ...stream,

    /** Assertions not settled yet, oldest first: those without a verdict, or with the given one. */
    openAssertions(verdict?: Verdict): AssertionSeen[] {
      const rows =
        verdict === undefined
          ? all(`${ASSERTIONS} WHERE s.outcome IS NULL AND a.verdict IS NULL ORDER BY a.block`)
          : all(`${ASSERTIONS} WHERE s.outcome IS NULL AND a.verdict = ? ORDER BY a.block`, verdict);
      return rows.map(toAssertion);
    },

    /** Requests by reference with an answer that is not settled, whose input is not here yet. */
    openReferences(): InputReference[] {
      return all(
        `SELECT DISTINCT r.* FROM request_references r JOIN assertions a ON a.request_id = r.id
         LEFT JOIN settlements s ON s.assertion_id = a.id
         WHERE s.outcome IS NULL AND r.id NOT IN (SELECT id FROM requests) ORDER BY r.block`,
      ).map(toReference);
    },

    /** Makes a request by reference one like the others. */
    recordInput(reference: InputReference, input: Uint8Array): void {
      recordInput(run, reference, input);
    },

    /** An answer, or that to which an item of a batch belongs. */
    assertion(assertionId: AssertionId): AssertionSeen | undefined {
      return all(`${ASSERTIONS} WHERE a.id = ?`, String(wholeAnswerOf(assertionId))).map(toAssertion)[0];
    },

    /** Notes what was found; nothing when a reorg has meanwhile put something else in the assertion's place. */
    setVerdict({ assertionId, modelId, input, output }: AssertionSeen, verdict: Verdict): void {
      run(
        `UPDATE assertions SET verdict = ? WHERE id = ? AND output = ?
         AND request_id IN (SELECT id FROM requests WHERE model_id = ? AND input = ?)`,
        ...[verdict, String(assertionId), output, modelId, input],
      );
    },

    /** Has looked at again what a start may see otherwise: another policy, or a machine that was mended. */
    lookAgain(): void {
      run("UPDATE assertions SET verdict = NULL WHERE verdict IN ('skipped', 'doubtful')");
    },

    /** Answers found right that are to be attended to, or have been and are to be followed. */
    attentions(): Attention[] {
      const rows = all(
        `SELECT a.*, r.model_id, r.input, t.state FROM assertions a JOIN requests r ON r.id = a.request_id
         LEFT JOIN settlements s ON s.assertion_id = a.id LEFT JOIN attentions t ON t.assertion_id = a.id
         WHERE a.verdict = 'right' AND (t.state = 'attended' OR (t.state IS NULL AND s.outcome IS NULL)) ORDER BY a.block`,
      );
      return rows.map((row) => ({
        ...toAssertion(row),
        state: (row.state ?? undefined) as Attention["state"],
      }));
    },

    /** Notes how far attention to an answer has come; forgotten with the answer by a reorg. */
    setAttention(assertionId: AssertionId, state: AttentionState): void {
      run(
        "INSERT OR REPLACE INTO attentions SELECT id, ?, block FROM assertions WHERE id = ?",
        ...[state, String(assertionId)],
      );
    },

    /** Games that others opened on answers found right, that are not over. */
    othersGames(challenger: Address): GameSeen[] {
      return all(
        `${GAMES} JOIN assertions a ON a.id = g.assertion_id LEFT JOIN settlements s ON s.assertion_id = a.id
         WHERE g.challenger <> ? AND e.outcome IS NULL AND s.outcome IS NULL AND a.verdict = 'right' ORDER BY g.block`,
        challenger.toLowerCase(),
      ).map(toGame);
    },

    /** The games of one challenger, ended ones too, oldest first. */
    games(challenger: Address): GameSeen[] {
      return all(`${GAMES} WHERE g.challenger = ? ORDER BY g.block`, challenger.toLowerCase()).map(toGame);
    },

    /** All that stands revealed of an assertion's trace. */
    revealed(assertionId: AssertionId): Revealed[] {
      return all("SELECT * FROM reveals WHERE assertion_id = ?", String(assertionId)).map(toRevealed);
    },
  };
}

/** Drops what can never be needed again: everything of assertions that a final block settled, except games of one's own, which are few. */
function forget(run: Run, finalBlock: bigint): void {
  const settled = "(SELECT assertion_id FROM settlements WHERE block <= ?)";
  const whole = wholeAnswer("assertion_id");
  const unended = `(SELECT ${whole} FROM games WHERE id NOT IN (SELECT game_id FROM endings))`;
  run(`DELETE FROM reveals WHERE ${whole} IN ${settled} AND ${whole} NOT IN ${unended}`, finalBlock);
  const attended = "(SELECT assertion_id FROM attentions WHERE state = 'attended')";
  for (const table of ["requests", "request_references"]) {
    run(
      `DELETE FROM ${table} WHERE id IN (SELECT request_id FROM assertions a JOIN settlements s ON s.assertion_id = a.id
       WHERE s.outcome = 'finalised' AND s.block <= ?) AND id NOT IN
       (SELECT request_id FROM assertions WHERE id IN ${unended} OR id IN ${attended})`,
      finalBlock,
    );
  }
  const asked = "(SELECT id FROM requests UNION SELECT id FROM request_references)";
  run(`DELETE FROM assertions WHERE request_id NOT IN ${asked}`);
  run("DELETE FROM attentions WHERE assertion_id NOT IN (SELECT id FROM assertions)");
  run("DELETE FROM settlements WHERE assertion_id NOT IN (SELECT id FROM assertions)");
}

function toAssertion(row: Row): AssertionSeen {
  return {
    assertionId: parseAssertionId(row.id as string),
    requestId: parseRequestId(row.request_id as string),
    modelId: parseModelId(row.model_id as string),
    poster: row.poster as Address,
    input: row.input as Uint8Array,
    output: row.output as Uint8Array,
    outputForm: row.output_form as AssertionSeen["outputForm"],
    verdict: (row.verdict ?? undefined) as Verdict | undefined,
  };
}

function toGame(row: Row): GameSeen {
  return {
    gameId: parseGameId(row.id as string),
    assertionId: parseAssertionId(row.assertion_id as string),
    outcome: (row.outcome ?? undefined) as string | undefined,
    paidWei: row.paid_wei === null ? undefined : BigInt(row.paid_wei as string),
  };
}

function toRevealed(row: Row): Revealed {
  const place = { height: row.height as number, position: row.position as number };
  const instruction = row.instruction as number;
  const data = row.data as Uint8Array;
  return row.kind === "bytes"
    ? { kind: "bytes", instruction, place, data }
    : {
        kind: "nodes",
        instruction: instruction === TRACE_TREE ? undefined : instruction,
        place,
        children: nodesOf(data),
      };
}
