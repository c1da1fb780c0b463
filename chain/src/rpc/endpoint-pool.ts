import { FatalError } from "@surety/protocol";
import { type EIP1193RequestFn, ResourceUnavailableRpcError, type Transport } from "viem";
import {
  blockAt,
  createEndpoints,
  type Endpoint,
  type EndpointFault,
  type EndpointView,
  look,
  noteFailure,
} from "./endpoint.ts";
import { isTransportError } from "./retry.ts";

export interface EndpointPoolParameters {
  /** The preferred one first. */
  readonly urls: readonly string[];
  /** Default: that of the first endpoint that answers. */
  readonly chainId?: number | undefined;
  /** Between looks at all endpoints. Default: 5,000. */
  readonly checkMs?: number;
  /** Blocks so far below the lowest head must be the same everywhere. Default: 12. */
  readonly checkDepth?: number;
  /** A head may be so many blocks away from that of most. Default: 5. */
  readonly mostBlocksOff?: number;
  /** For one answer. Default: 10,000. */
  readonly timeoutMs?: number;
  readonly onEvent?: (event: EndpointEvent) => void;
}

export type EndpointEvent =
  | { readonly type: "dropped"; readonly endpoint: string; readonly fault: EndpointFault }
  | { readonly type: "restored"; readonly endpoint: string };

export interface EndpointState {
  readonly endpoint: string;
  readonly fault: EndpointFault | undefined;
  /** As last seen. */
  readonly headBlock: bigint | undefined;
}

/** Several JSON-RPC servers of one chain that are asked as one. */
export interface EndpointPool {
  readonly transport: Transport;
  /**
   * Looks at all endpoints and sorts out what does not fit. Runs by itself now and then while requests are made.
   *
   * @returns The chain's id.
   * @throws FatalError WRONG_CHAIN when an endpoint is on another chain and no request was ever answered; viem's error when none answers
   */
  check(): Promise<number>;
  states(): EndpointState[];
}

/**
 * Asks the first endpoint that is in order, and the next when no answer comes. What the servers say is compared now and then: chain id, head, and the hash of
 * a block that no reorg reaches any more; who is alone with it is left out until it agrees again. Transactions go to all of them, for a server may take one and
 * never pass it on.
 *
 * What cannot be told: with two servers, which of two different chains is the true one (the preferred one's is taken) and which of two heads (the higher is
 * taken); with any number, false answers to calls on a true block.
 */
export function openEndpointPool(parameters: EndpointPoolParameters): EndpointPool {
  const { urls, checkMs = 5_000, checkDepth = 12, mostBlocksOff = 5, onEvent = () => {} } = parameters;
  const endpoints = createEndpoints(urls, parameters.timeoutMs);
  /** Looks in a row that found an endpoint's head off: one may fall between two blocks. */
  const offHead = new Map<Endpoint, number>();
  let { chainId } = parameters;
  let isOpen = false;
  let checkedAt = Number.NEGATIVE_INFINITY;
  let checking: Promise<number> | undefined;

  function setFault(endpoint: Endpoint, fault: EndpointFault | undefined): void {
    const before = endpoint.fault;
    endpoint.fault = fault;
    if (fault === undefined) endpoint.failures = 0;
    if (fault === before) return;
    if (fault !== undefined) onEvent({ type: "dropped", endpoint: endpoint.name, fault });
    else onEvent({ type: "restored", endpoint: endpoint.name });
  }

  /** Those in order first; then, should none answer, those that may only have been away. Never one on another chain. */
  function candidates(): Endpoint[] {
    const now = performance.now();
    const may = endpoints.filter(({ fault }) => fault !== "wrong-chain" && fault !== "forked");
    const rank = ({ fault, restsUntil }: Endpoint) =>
      fault === undefined ? 0 : fault === "off-head" ? 1 : restsUntil <= now ? 2 : 3;
    return may.sort((a, b) => rank(a) - rank(b));
  }

  async function requestOne(endpoint: Endpoint, question: Parameters<EIP1193RequestFn>[0]): Promise<unknown> {
    try {
      const answer = await endpoint.request(question);
      // One that was away must be looked at before it counts as in order: it may have fallen behind.
      endpoint.failures = 0;
      return answer;
    } catch (error) {
      if (isTransportError(error)) setFault(endpoint, noteFailure(endpoint, error));
      throw error;
    }
  }

  const request = async (question: Parameters<EIP1193RequestFn>[0]): Promise<unknown> => {
    const isDue = performance.now() - checkedAt > checkMs;
    const mayDiffer = endpoints.length > 1 || endpoints[0]?.fault !== undefined;
    if (isOpen && isDue && mayDiffer) check().catch(() => {});
    const able = candidates();
    if (question.method === "eth_sendRawTransaction") return sendToAll(able, question);
    let last: unknown = new ResourceUnavailableRpcError(new Error("No RPC is in order."));
    for (const endpoint of able) {
      try {
        return await requestOne(endpoint, question);
      } catch (error) {
        if (!isTransportError(error)) throw error;
        last = error;
      }
    }
    throw last;
  };

  /** Done when one has taken it; else the preferred one's reason. */
  async function sendToAll(
    able: readonly Endpoint[],
    question: Parameters<EIP1193RequestFn>[0],
  ): Promise<unknown> {
    const sent = able.map((endpoint) => requestOne(endpoint, question));
    try {
      return await Promise.any(sent);
    } catch (error) {
      const { errors = [] } = error as AggregateError;
      throw errors.find((one) => !isTransportError(one)) ?? errors[0] ?? error;
    }
  }

  async function runCheck(): Promise<number> {
    const found = new Map<Endpoint, EndpointView>();
    let failure: unknown;
    await Promise.all(
      endpoints.map(async (endpoint) => {
        try {
          found.set(endpoint, await look(endpoint));
        } catch (error) {
          failure = error;
          setFault(endpoint, noteFailure(endpoint, error));
        }
      }),
    );
    const answered = endpoints.flatMap((endpoint) => {
      const view = found.get(endpoint);
      return view === undefined ? [] : [{ endpoint, view }];
    });
    const [first] = answered;
    if (first === undefined) throw failure;
    const expected = chainId ?? first.view.chainId;
    for (const { endpoint, view } of answered) {
      if (view.chainId === expected) continue;
      setFault(endpoint, "wrong-chain");
      // Nothing has been believed yet: whoever started this is to mend it.
      if (!isOpen) throw wrongChain(endpoint, view.chainId, expected);
    }
    chainId = expected;
    isOpen = true;
    await compare(answered.filter(({ view }) => view.chainId === expected));
    return expected;
  }

  async function compare(
    answered: { readonly endpoint: Endpoint; readonly view: EndpointView }[],
  ): Promise<void> {
    const heads = answered.map(({ view }) => view.head.number).sort((a, b) => (a < b ? 1 : a > b ? -1 : 0));
    const lowest = heads.at(-1) ?? 0n;
    const height = lowest > BigInt(checkDepth) ? lowest - BigInt(checkDepth) : 0n;
    const hashes = new Map<Endpoint, string>();
    await Promise.all(
      answered.map(async ({ endpoint }) => {
        try {
          hashes.set(endpoint, answered.length === 1 ? NO_BLOCK : (await blockAt(endpoint, height)).hash);
        } catch (error) {
          if (isTransportError(error)) setFault(endpoint, noteFailure(endpoint, error));
          else hashes.set(endpoint, NO_BLOCK);
        }
      }),
    );
    const agreed = mostCommon(answered.flatMap(({ endpoint }) => hashes.get(endpoint) ?? []));
    // The median; of two the higher.
    const usual = heads[Math.floor((heads.length - 1) / 2)] ?? 0n;
    for (const { endpoint, view } of answered) {
      if (!hashes.has(endpoint)) continue;
      const { number } = view.head;
      endpoint.headBlock = number;
      const distance = number > usual ? number - usual : usual - number;
      const looksOff = distance > BigInt(mostBlocksOff) ? (offHead.get(endpoint) ?? 0) + 1 : 0;
      offHead.set(endpoint, looksOff);
      const isOff = looksOff > 1 || (looksOff === 1 && endpoint.fault === "off-head");
      setFault(endpoint, hashes.get(endpoint) !== agreed ? "forked" : isOff ? "off-head" : undefined);
    }
  }

  function check(): Promise<number> {
    checking ??= runCheck().finally(() => {
      checkedAt = performance.now();
      checking = undefined;
    });
    return checking;
  }

  const config = { key: "endpoints", name: "Endpoints", type: "endpoints", retryCount: 0, retryDelay: 0 };
  const asOne = request as EIP1193RequestFn;
  return {
    transport: () => ({ config: { ...config, request: asOne }, request: asOne, value: undefined }),
    check,
    states: () => endpoints.map(({ name, fault, headBlock }) => ({ endpoint: name, fault, headBlock })),
  };
}

/** Stands for the hash of a block that an endpoint does not have. */
const NO_BLOCK = "none";

function wrongChain(endpoint: Endpoint, served: number, expected: number): FatalError {
  return new FatalError(
    "WRONG_CHAIN",
    `The RPC at ${endpoint.name} serves chain ${served}, not ${expected}. Check the RPC URLs and the chain id.`,
  );
}

/** The value that most have; of equally many the one that comes first. */
function mostCommon(values: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return values.find((value) => counts.get(value) === most);
}
