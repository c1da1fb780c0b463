import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** What a proxy does to a request. */
export type RpcFault =
  /** Passes it on. */
  | { readonly kind: "none" }
  /** Never answers. */
  | { readonly kind: "silent" }
  /** Answers with a status, as 429 or 503. */
  | { readonly kind: "status"; readonly status: number; readonly retryAfterSeconds?: number }
  /** Closes the connection without an answer. */
  | { readonly kind: "hang-up" }
  /** Says that every transaction was taken, and passes none on. */
  | { readonly kind: "drop-transactions" }
  /** Knows no block after this one. */
  | { readonly kind: "stuck-at"; readonly block: bigint }
  /** Tells of a head so many blocks too high. */
  | { readonly kind: "ahead-by"; readonly blocks: bigint }
  /** Has other hashes than the chain from this block on. */
  | { readonly kind: "fork-from"; readonly block: bigint }
  /** Answers about the state as it was so many blocks ago, though its head is the chain's. */
  | { readonly kind: "stale-state"; readonly blocks: bigint }
  /** Is on another chain. */
  | { readonly kind: "chain-id"; readonly chainId: number };

/** A JSON-RPC server between a program and a chain, which can be told to misbehave; for tests. */
export interface RpcProxy {
  readonly url: string;
  /** From now on; whoever still waits for a silent answer is hung up on, as by a server that is started again. */
  misbehave(fault: RpcFault): void;
  /** Requests seen, by method. */
  readonly seen: Map<string, number>;
  close(): Promise<void>;
}

/** One JSON-RPC request. */
export interface RpcCall {
  readonly id: number;
  readonly method: string;
  readonly params?: readonly unknown[];
}

type Block = { number: string; hash: string } & Record<string, unknown>;

/** Methods that ask about the state, and which of their parameters says as of which block. */
const BLOCK_PARAMETER: Readonly<Record<string, number>> = {
  eth_call: 1,
  eth_estimateGas: 1,
  eth_getBalance: 1,
  eth_getTransactionCount: 1,
};

/**
 * @param target URL of the chain.
 * @param onCall Told of every request before it is passed on.
 */
export async function startRpcProxy(
  target: string,
  onCall: (call: RpcCall) => void = () => {},
): Promise<RpcProxy> {
  let fault: RpcFault = { kind: "none" };
  const unanswered = new Set<Socket>();
  const seen = new Map<string, number>();

  async function forward(call: RpcCall): Promise<{ result?: unknown; error?: unknown }> {
    const response = await fetch(target, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", ...call }),
    });
    return (await response.json()) as { result?: unknown; error?: unknown };
  }

  /** A block as this proxy tells of it. */
  function told(block: Block): Block {
    if (fault.kind === "ahead-by") return { ...block, number: toHex(BigInt(block.number) + fault.blocks) };
    if (fault.kind === "fork-from" && BigInt(block.number) >= fault.block) {
      return { ...block, hash: `0x${"f0".repeat(16)}${block.hash.slice(34)}` };
    }
    return block;
  }

  async function answer(call: RpcCall): Promise<{ result?: unknown; error?: unknown }> {
    const { method, params = [] } = call;
    if (fault.kind === "chain-id" && method === "eth_chainId")
      return { result: toHex(BigInt(fault.chainId)) };
    if (fault.kind === "drop-transactions" && method === "eth_sendRawTransaction") {
      return { result: `0x${"0d".repeat(32)}` };
    }
    if (fault.kind === "stuck-at" && method === "eth_blockNumber") return { result: toHex(fault.block) };
    if (fault.kind === "stale-state" && method in BLOCK_PARAMETER) {
      const head = BigInt((await forward({ id: call.id, method: "eth_blockNumber" })).result as string);
      const as = [...params];
      as[BLOCK_PARAMETER[method] as number] = toHex(head > fault.blocks ? head - fault.blocks : 0n);
      return forward({ ...call, params: as });
    }
    if (method !== "eth_getBlockByNumber") return forward(call);
    const [at, full] = params as [string, boolean];
    if (fault.kind === "stuck-at") {
      if (/^0x/.test(at) && BigInt(at) > fault.block) return { result: null };
      if (!/^0x/.test(at)) return forward({ ...call, params: [toHex(fault.block), full] });
    }
    const given = await forward(call);
    const isLatest = at === "latest";
    if (fault.kind === "ahead-by" && !isLatest) return given;
    return given.result ? { ...given, result: told(given.result as Block) } : given;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call = JSON.parse(Buffer.concat(chunks).toString()) as RpcCall;
    seen.set(call.method, (seen.get(call.method) ?? 0) + 1);
    onCall(call);
    if (fault.kind === "silent") return void unanswered.add(request.socket);
    if (fault.kind === "hang-up") return void request.socket.destroy();
    if (fault.kind === "status") {
      const { status, retryAfterSeconds } = fault;
      response.writeHead(status, { "retry-after": String(retryAfterSeconds ?? 0) });
      return void response.end("no");
    }
    const body = JSON.stringify({ jsonrpc: "2.0", ...(await answer(call)), id: call.id });
    response.writeHead(200, { "content-type": "application/json" }).end(body);
  }

  const server = createServer((request, response) => {
    // The chain itself may be away: so is this then.
    serve(request, response).catch(() => request.socket.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    misbehave(next) {
      fault = next;
      for (const socket of unanswered) socket.destroy();
      unanswered.clear();
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function toHex(value: bigint): `0x${string}` {
  return `0x${value.toString(16)}`;
}
