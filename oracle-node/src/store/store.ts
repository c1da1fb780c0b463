import { createHash } from "node:crypto";
import {
  type AssertionId,
  FatalError,
  type GameId,
  type Hash32,
  type ModelId,
  parseAssertionId,
  parseGameId,
  parseHash32,
  parseModelId,
  parseRequestId,
  type RequestId,
} from "@surety/protocol";
import {
  type InputReference,
  openLockedStore,
  type Row,
  recordInput,
  toReference,
  wholeAnswer,
} from "@surety/service";
import type { Address } from "viem";
import { forget, recordLog } from "./record-log.ts";
import { CHAIN_TABLES, SCHEMA } from "./schema.ts";

/** A question that has no final answer yet. */
export interface StoredRequest {
  readonly requestId: RequestId;
  readonly modelId: ModelId;
  /** Concatenation of the model's input tensors. */
  readonly input: Uint8Array;
}

/** What this node says to a request: the same for every attempt, since there is one right answer. */
export interface Answer {
  /** What was answered, from the very input that was run: posts and traces name it. */
  readonly question: Hash32;
  /** Concatenation of the model's output tensors. */
  readonly output: Uint8Array;
  /** The lie it contains, on a devnet with fault injection; undefined for an honest answer. */
  readonly fault: string | undefined;
}

export interface StoreParameters {
  /** Folder of the store; created when missing. */
  readonly dataDir: string;
  /** Chain, contracts and operator that the store belongs to; another one's is refused. */
  readonly deployment: string;
  readonly operator: Address;
}

/** The node's memory: what it saw on the chain, how far it came, and what it said. */
export type Store = ReturnType<typeof openStore>;

/**
 * Opens the store, one process at a time.
 *
 * @throws FatalError STORE_OTHER_DEPLOYMENT, STORE_LOCKED
 */
export function openStore({ dataDir, deployment, operator }: StoreParameters) {
  const { all, run, ...stream } = openLockedStore({
    dataDir,
    service: "node",
    deployment,
    ownedBy: "another chain, other contracts or another operator",
    schema: SCHEMA,
    chainTables: CHAIN_TABLES,
    record: (run, log) => recordLog(run, operator, log),
    forget,
  });

  const toRequest = (row: Row): StoredRequest => ({
    requestId: parseRequestId(row.id as string),
    modelId: parseModelId(row.model_id as string),
    input: row.input as Uint8Array,
  });

  function answerTo({ requestId, modelId, input }: StoredRequest): Answer | undefined {
    const row = all(
      "SELECT question, output, fault FROM answers WHERE request_id = ? AND model_id = ? AND input_hash = ?",
      ...[String(requestId), modelId, hashOf(input)],
    )[0];
    if (row === undefined) return undefined;
    return {
      question: parseHash32(row.question as string),
      output: row.output as Uint8Array,
      fault: (row.fault as string | null) ?? undefined,
    };
  }

  return {
    ...stream,

    /** Requests without a final answer, oldest first; this node's or not. */
    openRequests(): StoredRequest[] {
      return all("SELECT * FROM requests WHERE id NOT IN (SELECT id FROM request_ends) ORDER BY block").map(
        toRequest,
      );
    },

    /** Requests without a final answer for which this node has none on the chain that still stands, oldest first; this node's or not. */
    requestsToAnswer(): { readonly requestId: RequestId; readonly modelId: ModelId }[] {
      const rows = all(
        `SELECT id, model_id FROM requests WHERE id NOT IN (SELECT id FROM request_ends)
         AND id NOT IN (SELECT request_id FROM assertions WHERE id NOT IN (SELECT id FROM assertion_ends)) ORDER BY block`,
      );
      return rows.map((row) => ({
        requestId: parseRequestId(row.id as string),
        modelId: parseModelId(row.model_id as string),
      }));
    },

    /** How many requests have no final answer. */
    countOpenRequests(): number {
      return Number(
        all("SELECT count(*) AS n FROM requests WHERE id NOT IN (SELECT id FROM request_ends)")[0]?.n ?? 0,
      );
    },

    /** Whether the answer to a request is written down, this question being what it asks. */
    isAnswered(requestId: RequestId, question: Hash32): boolean {
      return (
        all("SELECT 1 FROM answers WHERE question = ? AND request_id = ?", question, String(requestId))
          .length > 0
      );
    },

    /** Requests by reference without a final answer whose input is not here yet. */
    openReferences(): InputReference[] {
      return all(
        `SELECT * FROM request_references WHERE id NOT IN (SELECT id FROM requests)
         AND id NOT IN (SELECT id FROM request_ends) ORDER BY block`,
      ).map(toReference);
    },

    /** Makes a request by reference one like the others. */
    recordInput(reference: InputReference, input: Uint8Array): void {
      recordInput(run, reference, input);
    },

    requestOf(requestId: RequestId): StoredRequest | undefined {
      return all("SELECT * FROM requests WHERE id = ?", String(requestId)).map(toRequest)[0];
    },

    /** This node's assertions that are neither final nor refuted. */
    openAssertions(): { readonly assertionId: AssertionId; readonly requestId: RequestId }[] {
      const rows = all(
        "SELECT * FROM assertions WHERE id NOT IN (SELECT id FROM assertion_ends) ORDER BY block",
      );
      return rows.map((row) => ({
        assertionId: parseAssertionId(row.id as string),
        requestId: parseRequestId(row.request_id as string),
      }));
    },

    /** Own answers that are audited and whose trace is not shown yet. */
    openAudits(): {
      readonly assertionId: AssertionId;
      readonly requestId: RequestId;
      readonly revealBy: number;
    }[] {
      const rows = all(
        `SELECT a.id, a.request_id, u.reveal_by FROM audits u JOIN assertions a ON a.id = u.id
         WHERE a.id NOT IN (SELECT id FROM assertion_ends) AND a.id NOT IN (SELECT id FROM traces_shown)`,
      );
      return rows.map((row) => ({
        assertionId: parseAssertionId(row.id as string),
        requestId: parseRequestId(row.request_id as string),
        revealBy: Number(row.reveal_by),
      }));
    },

    /** Games against this node's assertions that are not over. */
    openGames(): {
      readonly gameId: GameId;
      readonly assertionId: AssertionId;
      readonly requestId: RequestId;
    }[] {
      const rows = all(
        `SELECT g.id, g.assertion_id, a.request_id FROM games g JOIN assertions a ON a.id = ${wholeAnswer("g.assertion_id")}
         WHERE g.id NOT IN (SELECT id FROM game_ends) AND a.id NOT IN (SELECT id FROM assertion_ends) ORDER BY g.block`,
      );
      return rows.map((row) => ({
        gameId: parseGameId(row.id as string),
        assertionId: parseAssertionId(row.assertion_id as string),
        requestId: parseRequestId(row.request_id as string),
      }));
    },

    answerTo,

    /**
     * Writes down what the node will say to a request, before it is sent.
     *
     * INVARIANT: one node never has two different answers for one question, whatever number a reorg gives it.
     *
     * @throws FatalError ANSWER_CONFLICT when it said something else before.
     */
    recordAnswer(request: StoredRequest, answer: Answer): void {
      const { requestId, modelId, input } = request;
      const truths = "SELECT output FROM answers WHERE question = ? AND fault IS NULL";
      const known = answer.fault === undefined ? all(truths, answer.question)[0] : undefined;
      if (known !== undefined && Buffer.compare(known.output as Uint8Array, answer.output) !== 0) {
        throw answerConflict(requestId);
      }
      run(
        "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        ...[String(requestId), modelId, hashOf(input), answer.question, answer.output, answer.fault ?? null],
      );
      const said = answerTo(request)?.output;
      if (said === undefined || Buffer.compare(said, answer.output) !== 0) {
        throw answerConflict(requestId);
      }
    },

    /** Gives a recorded answer a name that anyone may ask for it by. */
    publishOutput({ requestId, modelId, input }: StoredRequest, root: Hash32): void {
      const values = [root, String(requestId), modelId, hashOf(input)];
      run("INSERT OR IGNORE INTO published_outputs VALUES (?, ?, ?, ?)", ...values);
    },

    publishedOutput(root: string): Uint8Array | undefined {
      const row = all("SELECT output FROM answers NATURAL JOIN published_outputs WHERE root = ?", root)[0];
      return row?.output as Uint8Array | undefined;
    },

    /** How many answers contain a lie; for fault injection on a devnet. */
    faultyAnswers(): number {
      return Number(all("SELECT count(*) AS n FROM answers WHERE fault IS NOT NULL")[0]?.n ?? 0);
    },
  };
}

function answerConflict(requestId: RequestId): FatalError {
  return new FatalError(
    "ANSWER_CONFLICT",
    `The question of request ${requestId} was answered before with another output. This machine computes differently than it did: run its self-test.`,
  );
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
