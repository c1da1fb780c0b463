import {
  assertionOf,
  type Chain,
  followChain,
  type GameRecord,
  gameOf,
  History,
  operatorOf,
  type RequestRecord,
  requestIdOf,
  type SuretyAddresses,
  type Transaction,
  transactionsOf,
} from "@surety/chain";
import { type Bundle, type Dtype, type ModelSession, openModel, tensorFromBytes } from "@surety/engine";
import { parseAssertionId, parseGameId, parsePhase } from "@surety/protocol";
import { type Address, hexToBytes } from "viem";
import { arithmeticOf, storedValue } from "./arithmetic.ts";
import type {
  GameEntry,
  LayerView,
  ModelView,
  NetworkView,
  OperatorView,
  RequestEntry,
  VerdictEntry,
} from "./views.ts";

export interface WatchNetworkParameters {
  readonly chain: Chain;
  readonly addresses: SuretyAddresses;
  /** First block of the deployment. Default: 0. */
  readonly startBlock?: bigint;
  /** Models whose layers, answers and arithmetic can be shown. */
  readonly bundles?: readonly Bundle[];
  /** Who is who, by lower-case address. */
  readonly names?: () => Readonly<Record<string, string>>;
  readonly canAsk: boolean;
  /** Told that the view is another now. */
  readonly onChange: () => void;
  /** Told why it can follow no longer. */
  readonly onError: (error: unknown) => void;
}

export interface WatchedNetwork {
  view(): Promise<NetworkView>;
  close(): Promise<void>;
}

/** Output values that are shown of an answer. */
const SHOWN_VALUES = 32;

/** Follows the contracts' events and keeps what the page shows. A reorg reads everything anew: there is no second truth to undo. */
export function watchNetwork(parameters: WatchNetworkParameters): WatchedNetwork {
  const { chain, addresses, startBlock = 0n, names = () => ({}), canAsk, onChange, onError } = parameters;
  const bundles = new Map((parameters.bundles ?? []).map((bundle) => [bundle.modelId as string, bundle]));
  const ending = new AbortController();
  let history = new History();
  let head = { block: 0, time: 0 };
  const sessions = new Map<string, Promise<ModelSession>>();
  const verdicts = new Map<bigint, Promise<VerdictEntry>>();
  let windowEnds = new Map<bigint, Promise<number>>();

  async function follow(): Promise<void> {
    while (!ending.signal.aborted) {
      for await (const event of followChain({ chain, addresses, startBlock, signal: ending.signal })) {
        if (event.type === "reorg") {
          history = new History();
          verdicts.clear();
          windowEnds = new Map();
          break;
        }
        if (event.type !== "block") continue;
        const { block, logs } = event;
        const transactions = await transactionsOf(
          chain,
          logs,
          new Map([[block.number, Number(block.timestamp)]]),
        );
        for (const log of logs) history.add(log, transactions.get(log.transactionHash) as Transaction);
        head = { block: Number(block.number), time: Number(block.timestamp) };
        if (block.isHead || logs.length > 0) onChange();
      }
    }
  }
  const following = follow().catch((error: unknown) => {
    if (!ending.signal.aborted) onError(error);
  });

  function sessionOf(bundle: Bundle): Promise<ModelSession> {
    const open = sessions.get(bundle.modelId) ?? openModel(bundle);
    sessions.set(bundle.modelId, open);
    return open;
  }

  function modelView(modelId: string): ModelView {
    const bundle = bundles.get(modelId);
    if (!bundle) return { modelId };
    const layers = bundle.instructions.map(
      ({ accumulate, outDtype, outDims }, index): LayerView => ({
        name: bundle.manifest.instructions[index]?.name ?? "",
        accumulate,
        dtype: outDtype,
        dims: outDims,
      }),
    );
    return { modelId, layers };
  }

  async function operatorView([address, models]: [string, Set<string>]): Promise<OperatorView> {
    const { stakeWei, lockedWei, jailed } = await operatorOf(chain, addresses, address as Address);
    return { address, stakeWei: String(stakeWei), lockedWei: String(lockedWei), jailed, models: [...models] };
  }

  function valuesOf(modelId: string, output: string | undefined): readonly number[] | undefined {
    const bundle = bundles.get(modelId);
    const [spec] = bundle?.manifest.outputs ?? [];
    const [place] = bundle?.header.outputs ?? [];
    if (!spec || !place || output === undefined) return undefined;
    const { data } = tensorFromBytes(
      spec.dtype,
      spec.shape,
      hexToBytes(output as `0x${string}`).slice(0, place.bytes),
    );
    return Array.from(data.slice(0, SHOWN_VALUES) as ArrayLike<number | bigint>, Number);
  }

  /** Read once an assertion: it is set when the answer is posted. */
  function windowEndOf(assertionId: bigint): Promise<number> {
    const known =
      windowEnds.get(assertionId) ??
      assertionOf(chain, addresses, parseAssertionId(assertionId)).then(({ windowEndsAt }) => windowEndsAt);
    windowEnds.set(assertionId, known);
    return known;
  }

  async function requestEntry(request: RequestRecord): Promise<RequestEntry> {
    const disputed = (id: bigint) =>
      [...history.games.values()].some((game) => game.assertionId === id && !game.ended);
    const assertions = await Promise.all(
      request.assertions.map(async ({ assertionId, poster, posted, output, outcome }) => {
        const windowEndsAt = await windowEndOf(assertionId);
        const values = valuesOf(request.modelId, output);
        return {
          ...{ assertionId: String(assertionId), poster, outcome, windowEndsAt, posted: act(posted) },
          ...(values ? { values } : {}),
        };
      }),
    );
    const last = request.assertions.at(-1);
    return {
      requestId: String(request.requestId),
      modelId: request.modelId,
      requester: request.requester,
      state: request.state === "asserted" && last && disputed(last.assertionId) ? "disputed" : request.state,
      asked: act(request.asked),
      assertions,
    };
  }

  async function gameEntry(game: GameRecord): Promise<GameEntry | undefined> {
    const request = history.requests.get(requestIdOf(parseAssertionId(game.assertionId)));
    const assertion = request?.assertions.find(({ assertionId }) => assertionId === game.assertionId);
    if (!request || !assertion) return undefined;
    const live = game.ended ? undefined : await gameOf(chain, addresses, parseGameId(game.gameId));
    const verdict = game.verdict && (await verdictOf(game, request));
    return {
      gameId: String(game.gameId),
      assertionId: String(game.assertionId),
      requestId: String(request.requestId),
      modelId: request.modelId,
      challenger: game.challenger,
      poster: assertion.poster,
      moves: game.moves,
      ...(live && {
        clock: {
          turn: live.turn,
          turnEndsAt: live.turnEndsAt,
          posterSecondsLeft: live.posterSecondsLeft,
          challengerSecondsLeft: live.challengerSecondsLeft,
        },
      }),
      ...(verdict && { verdict }),
      ...(game.ended && {
        ended: {
          outcome: parsePhase(game.ended.outcome),
          paidWei: String(game.ended.paidWei),
          burnedWei: String(game.ended.burnedWei),
        },
      }),
    };
  }

  /** Computed once a game: it runs the model. */
  function verdictOf(game: GameRecord, request: RequestRecord): Promise<VerdictEntry> {
    const known = verdicts.get(game.gameId) ?? computeVerdict(game, request);
    verdicts.set(game.gameId, known);
    return known;
  }

  async function computeVerdict(
    { verdict }: GameRecord,
    { modelId, input }: RequestRecord,
  ): Promise<VerdictEntry> {
    const { instruction, element, posted, expected } = verdict as NonNullable<GameRecord["verdict"]>;
    const bundle = bundles.get(modelId);
    const dtype = bundle?.instructions[instruction]?.outDtype;
    const text = (bits: bigint) => (dtype ? storedValue(bits, dtype as Dtype) : String(bits));
    const arithmetic =
      bundle && input !== undefined
        ? await arithmeticOf(await sessionOf(bundle), input, instruction, element)
        : undefined;
    return {
      instruction,
      element,
      posted: text(posted),
      expected: text(expected),
      ...(arithmetic && { arithmetic }),
    };
  }

  return {
    async view() {
      const games = await Promise.all([...history.games.values()].map(gameEntry));
      return {
        chainId: chain.chainId,
        head,
        names: names(),
        models: [...history.models].map(modelView),
        operators: await Promise.all([...history.operators].map(operatorView)),
        requests: (await Promise.all([...history.requests.values()].map(requestEntry))).reverse(),
        games: games.filter((game) => game !== undefined).reverse(),
        canAsk,
      };
    },
    async close() {
      ending.abort();
      await following;
      for (const session of sessions.values()) await (await session).release();
    },
  };
}

function act({ time, hash, gas }: Transaction) {
  return { time, transaction: hash, gas };
}
