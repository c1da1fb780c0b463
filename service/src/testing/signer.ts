/**
 * A signer process that speaks Web3Signer's eth1 JSON-RPC (`eth_accounts`, `eth_signTransaction`, `/upcheck`), for tests. Its key comes by the environment
 * (SIGNER_KEY), the chain id that it signs for too (SIGNER_CHAIN_ID), as Web3Signer's does; SIGNER_LIES=value signs another value than it was asked for.
 * Prints its URL on standard output.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { hexToBigInt, hexToNumber, isAddressEqual } from "viem";
import { privateKeyToAccount } from "viem/accounts";

type Hex = `0x${string}`;
const { SIGNER_KEY = "", SIGNER_CHAIN_ID = "31337", SIGNER_LIES } = process.env;
const account = privateKeyToAccount(SIGNER_KEY as Hex);

async function sign(transaction: Record<string, Hex>): Promise<Hex> {
  if (!isAddressEqual(transaction.from as Hex, account.address)) throw new Error("No signer available");
  const big = (name: string) => hexToBigInt(transaction[name] ?? "0x0");
  return account.signTransaction({
    type: "eip1559",
    chainId: Number(SIGNER_CHAIN_ID),
    nonce: hexToNumber(transaction.nonce as Hex),
    gas: big("gas"),
    value: SIGNER_LIES === "value" ? big("value") + 1n : big("value"),
    maxFeePerGas: big("maxFeePerGas"),
    maxPriorityFeePerGas: big("maxPriorityFeePerGas"),
    to: transaction.to as Hex,
    data: transaction.data as Hex,
  });
}

async function answer(method: string, params: readonly unknown[]): Promise<unknown> {
  if (method === "eth_accounts") return [account.address.toLowerCase()];
  if (method === "eth_signTransaction") return sign(params[0] as Record<string, Hex>);
  throw new Error("Method not found");
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const server = createServer(async (request, response) => {
  if (request.url === "/upcheck") return void response.end("OK");
  const { id, method, params } = JSON.parse(await bodyOf(request));
  const reply = await answer(method, params).then(
    (result) => ({ result }),
    (error: Error) => ({ error: { code: -32000, message: error.message } }),
  );
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ jsonrpc: "2.0", id, ...reply }));
}).listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
