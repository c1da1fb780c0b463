import { errorCode, FatalError, RetryableError } from "@surety/protocol";
import {
  type Address,
  getAddress,
  type Hex,
  isAddressEqual,
  type LocalAccount,
  numberToHex,
  parseTransaction,
  recoverTransactionAddress,
  serializeTransaction,
  type TransactionSerializableEIP1559,
  type TransactionSerializedEIP1559,
} from "viem";
import { toAccount } from "viem/accounts";

export interface RemoteSignerParameters {
  /** Base URL of a signer that speaks Web3Signer's eth1 JSON-RPC. */
  readonly url: string;
  readonly address: Address;
  /** Default: 10,000. */
  readonly timeoutMs?: number;
}

/**
 * An account whose key is elsewhere: Web3Signer (`web3signer eth1`) or what speaks like it signs by `eth_signTransaction`. What comes back is used only if
 * it is the very transaction that was to be signed, signed by this address.
 *
 * @throws FatalError SIGNER_WITHOUT_KEY, RetryableError SIGNER_UNREACHABLE
 */
export async function openRemoteSigner(parameters: RemoteSignerParameters): Promise<LocalAccount> {
  const { url, timeoutMs = 10_000 } = parameters;
  const address = getAddress(parameters.address);
  const ask = (method: string, params: readonly unknown[]) => askSigner({ url, timeoutMs, method, params });
  const accounts = await ask("eth_accounts", []);
  if (!Array.isArray(accounts) || !accounts.some((one) => isSameAddress(one, address))) {
    throw new FatalError(
      "SIGNER_WITHOUT_KEY",
      `The signer at ${hostOf(url)} holds no key of ${address}. Load it there, or correct --signer-address.`,
    );
  }
  const onlyTransactions = async () => {
    throw new FatalError("SIGNER_REFUSED", "A service signs nothing but transactions.");
  };
  return toAccount({
    address,
    async signTransaction(transaction) {
      const wanted = transaction as TransactionSerializableEIP1559;
      const raw = await ask("eth_signTransaction", [toRpc(address, wanted)]);
      await requireSame(wanted, raw, address, url);
      return raw as Hex;
    },
    signMessage: onlyTransactions,
    signTypedData: onlyTransactions,
  }) as LocalAccount;
}

/** Quantities as the JSON-RPC has them. */
function toRpc(from: Address, transaction: TransactionSerializableEIP1559): Record<string, unknown> {
  const { to, data = "0x", gas = 0n, nonce = 0, value = 0n, chainId } = transaction;
  const { maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = transaction;
  return {
    ...{ from, to, data },
    gas: numberToHex(gas),
    nonce: numberToHex(nonce),
    value: numberToHex(value),
    maxFeePerGas: numberToHex(maxFeePerGas),
    maxPriorityFeePerGas: numberToHex(maxPriorityFeePerGas),
    chainId: numberToHex(chainId),
  };
}

/** INVARIANT: nothing is sent that a signer made of its own. */
async function requireSame(
  wanted: TransactionSerializableEIP1559,
  raw: unknown,
  address: Address,
  url: string,
): Promise<void> {
  const wrong = (why: string, cause?: unknown) =>
    new FatalError("SIGNER_WRONG", `The signer at ${hostOf(url)} ${why}. Check its chain id and its keys.`, {
      cause,
    });
  try {
    const signed = raw as TransactionSerializedEIP1559;
    const { r: _r, s: _s, v: _v, yParity: _parity, ...unsigned } = parseTransaction(signed);
    const expected = serializeTransaction({ ...wanted, type: "eip1559" });
    if (serializeTransaction({ ...unsigned, type: "eip1559" }) !== expected) {
      throw wrong("signed another transaction than the one it was given");
    }
    const signer = await recoverTransactionAddress({ serializedTransaction: signed });
    if (!isAddressEqual(signer, address)) throw wrong(`signed as ${signer} instead of ${address}`);
  } catch (error) {
    throw errorCode(error) === "SIGNER_WRONG" ? error : wrong("gave back no EIP-1559 transaction", error);
  }
}

interface Question {
  readonly url: string;
  readonly timeoutMs: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

async function askSigner({ url, timeoutMs, method, params }: Question): Promise<unknown> {
  const away = (why: string, cause?: unknown) =>
    new RetryableError("SIGNER_UNREACHABLE", `The signer at ${hostOf(url)} did not answer: ${why}.`, {
      cause,
    });
  let response: Response;
  let body: { readonly result?: unknown; readonly error?: { readonly message?: string } };
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      signal: AbortSignal.timeout(timeoutMs),
      redirect: "error",
    });
    if (response.status === 429 || response.status >= 500) throw new Error(`status ${response.status}`);
    body = (await response.json()) as typeof body;
  } catch (cause) {
    throw away((cause as Error).message, cause);
  }
  if (body.error === undefined && body.result !== undefined) return body.result;
  const why = body.error?.message ?? `status ${response.status}`;
  throw new FatalError("SIGNER_REFUSED", `The signer at ${hostOf(url)} refused ${method}: ${why}.`);
}

/** Host and port: the rest of a URL may hold a secret. */
function hostOf(url: string): string {
  return new URL(url).host;
}

function isSameAddress(one: unknown, address: Address): boolean {
  return typeof one === "string" && one.toLowerCase() === address.toLowerCase();
}
