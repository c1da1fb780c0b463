import {
  BaseError,
  type EIP1193RequestFn,
  type Hex,
  HttpRequestError,
  hexToBigInt,
  hexToNumber,
  http,
} from "viem";
import { isTransportError } from "./retry.ts";

/** Why an endpoint is not asked. */
export type EndpointFault =
  /** It does not answer, or with errors of its own. */
  | "unreachable"
  /** It says that it was asked too often. */
  | "limited"
  | "wrong-chain"
  /** Its head is behind, or further ahead than most. */
  | "off-head"
  /** It has another block than most where no reorg reaches any more. */
  | "forked";

export interface BlockPlace {
  readonly number: bigint;
  readonly hash: Hex;
}

/** What a look at an endpoint finds. */
export interface EndpointView {
  readonly chainId: number;
  readonly head: BlockPlace;
}

/** One JSON-RPC server. */
export interface Endpoint {
  /** For logs and metrics: host and port, and its place where several share them. The rest of a URL may hold a key. */
  readonly name: string;
  readonly request: EIP1193RequestFn;
  fault: EndpointFault | undefined;
  /** Failures without an answer between. */
  failures: number;
  /** Not asked before, in milliseconds of `performance.now`, unless there is no other. */
  restsUntil: number;
  headBlock: bigint | undefined;
}

const TIMEOUT_MS = 10_000;
const FIRST_REST_MS = 1_000;
const LONGEST_REST_MS = 30_000;

export function createEndpoints(urls: readonly string[], timeoutMs = TIMEOUT_MS): Endpoint[] {
  const hosts = urls.map((url) => new URL(url).host);
  return urls.map((url, index) => {
    const host = hosts[index] ?? "";
    const isAlone = hosts.filter((other) => other === host).length === 1;
    // Retries are `retryRpc`'s, so that there is one policy and one error.
    const { request } = http(url, { retryCount: 0, timeout: timeoutMs })({ retryCount: 0 });
    return {
      name: isAlone ? host : `${host}#${index + 1}`,
      request: request as EIP1193RequestFn,
      ...{ fault: undefined, failures: 0, restsUntil: 0, headBlock: undefined },
    };
  });
}

/** Notes that no answer came: the endpoint rests, longer every time, or as long as it says. */
export function noteFailure(endpoint: Endpoint, error: unknown, now = performance.now()): EndpointFault {
  const { isLimit, retryAfterMs } = limitOf(error);
  const ownWaitMs = Math.min(FIRST_REST_MS * 2 ** endpoint.failures, LONGEST_REST_MS);
  endpoint.failures += 1;
  endpoint.restsUntil = now + Math.min(retryAfterMs ?? ownWaitMs, LONGEST_REST_MS);
  return isLimit ? "limited" : "unreachable";
}

/** @throws viem's error when the endpoint does not answer */
export async function look(endpoint: Endpoint): Promise<EndpointView> {
  const [chainId, head] = await Promise.all([
    endpoint.request({ method: "eth_chainId" }),
    blockAt(endpoint, "latest"),
  ]);
  return { chainId: hexToNumber(chainId as Hex), head };
}

/** @throws viem's error when the endpoint does not answer; BaseError when it has no such block */
export async function blockAt(endpoint: Endpoint, at: bigint | "latest"): Promise<BlockPlace> {
  const tag = at === "latest" ? at : (`0x${at.toString(16)}` as const);
  const block = await endpoint.request({ method: "eth_getBlockByNumber", params: [tag, false] });
  const { number, hash } = (block ?? {}) as { readonly number?: Hex; readonly hash?: Hex };
  if (typeof number !== "string" || typeof hash !== "string") throw new BaseError(`No block ${at}.`);
  return { number: hexToBigInt(number), hash };
}

/** Whether an error says "too often", and how long to wait where it says so. */
function limitOf(error: unknown): { readonly isLimit: boolean; readonly retryAfterMs: number | undefined } {
  if (!(error instanceof BaseError) || !isTransportError(error))
    return { isLimit: false, retryAfterMs: undefined };
  const http = error.walk((inner) => inner instanceof HttpRequestError) as HttpRequestError | null;
  const seconds = Number(http?.headers?.get("retry-after") ?? Number.NaN);
  const isLimit =
    http?.status === 429 || error.walk((inner) => (inner as { code?: unknown }).code === -32005) !== null;
  return { isLimit, retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined };
}
