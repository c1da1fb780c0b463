import { setTimeout as sleep } from "node:timers/promises";
import { isRetryable, suretyOracleAbi } from "@surety/protocol";
import { encodeErrorResult } from "viem";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ContractCall } from "../calls/call.ts";
import { isRevert } from "../errors/contract-revert.ts";
import { type Chain, openChain } from "../rpc/client.ts";
import { devAccount } from "../testing/accounts.ts";
import { type Anvil, startAnvil } from "../testing/anvil.ts";
import { emitUnlocked, installEmitter, testClient } from "../testing/emitter.ts";
import { createTransactionManager, type TransactionEvent } from "./manager.ts";

/** Waits for what another promise brings about. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await holds()) return;
    await sleep(25);
  }
  throw new Error(`not in time: ${what}`);
}

let anvil: Anvil;
let chain: Chain;
const account = devAccount(0);
const emit = (amount: bigint) => emitUnlocked(devAccount(5).address, amount);

beforeEach(async () => {
  anvil = await startAnvil();
  chain = await openChain({ rpcUrl: anvil.url, pollMs: 20 });
  await installEmitter(anvil.url);
});
afterEach(() => anvil.stop());

/** A contract that always reverts with the given data (at most 255 bytes). */
async function installReverter(address: `0x${string}`, data: `0x${string}`): Promise<ContractCall> {
  const size = (data.length - 2) / 2;
  const hex = (value: number) => value.toString(16).padStart(2, "0");
  // codecopy(0, 12, size); revert(0, size)
  const code = `60${hex(size)}600c60003960${hex(size)}6000fd`;
  await testClient(anvil.url).setCode({ address, bytecode: `0x${code}${data.slice(2)}` });
  return { what: "oracle.finalise", to: address, data: "0x", valueWei: 0n };
}

describe("createTransactionManager", () => {
  it("sends overlapping calls with consecutive nonces, each once", async () => {
    const transactions = createTransactionManager({ chain, account });
    const receipts = await Promise.all(
      Array.from({ length: 12 }, (_, i) => transactions.send(emit(BigInt(i)))),
    );
    expect(new Set(receipts.map(({ transactionHash }) => transactionHash)).size).toBe(12);
    expect(await chain.client.getTransactionCount({ address: account.address })).toBe(12);
  });

  it("shares an account with another sender", async () => {
    const managers = [0, 1].map(() => createTransactionManager({ chain, account }));
    await Promise.all(
      managers.flatMap((manager, i) => [1n, 2n, 3n].map((n) => manager.send(emit(n + BigInt(10 * i))))),
    );
    expect(await chain.client.getTransactionCount({ address: account.address })).toBe(6);
  });

  it("throws a contract's custom error by name with its arguments, and sends nothing", async () => {
    const data = encodeErrorResult({ abi: suretyOracleAbi, errorName: "GamesOpen", args: [3n] });
    const call = await installReverter("0x0000000000000000000000000000000000002001", data);
    const error = await createTransactionManager({ chain, account })
      .send(call)
      .catch((caught: unknown) => caught);
    expect(isRevert(error, "GamesOpen")).toBe(true);
    expect(error).toMatchObject({
      code: "CONTRACT_REVERTED",
      errorName: "GamesOpen",
      args: [3n],
      shortMessage: "oracle.finalise was refused: GamesOpen(3).",
    });
    expect(await chain.client.getTransactionCount({ address: account.address })).toBe(0);
  });

  it("names an error it does not know by its data", async () => {
    const call = await installReverter("0x0000000000000000000000000000000000002002", "0xdeadbeef");
    const failure = createTransactionManager({ chain, account }).send(call);
    await expect(failure).rejects.toMatchObject({ errorName: "Unknown", args: ["0xdeadbeef"] });
  });

  it("bumps the fees of a stuck transaction on the same nonce", async () => {
    const test = testClient(anvil.url);
    await test.setAutomine(false);
    const events: TransactionEvent[] = [];
    const transactions = createTransactionManager({
      chain,
      account,
      resubmitAfterMs: 100,
      onEvent: (event) => {
        events.push(event);
        if (event.type === "resubmitted") void test.mine({ blocks: 1 });
      },
    });
    const receipt = await transactions.send(emit(1n));
    const [sent, resubmitted] = events;
    if (sent?.type !== "sent" || resubmitted?.type !== "resubmitted") throw new Error(JSON.stringify(events));
    expect(resubmitted.nonce).toBe(sent.nonce);
    expect(resubmitted.fees.maxFeePerGas * 10n).toBeGreaterThanOrEqual(sent.fees.maxFeePerGas * 11n);
    expect(receipt.transactionHash).toBe(resubmitted.hash);
  });

  it("sends again what the mempool dropped", async () => {
    const test = testClient(anvil.url);
    await test.setAutomine(false);
    const transactions = createTransactionManager({
      chain,
      account,
      resubmitAfterMs: 100,
      onEvent: ({ type, hash }) => {
        if (type === "sent") void test.dropTransaction({ hash });
        else if (type === "resubmitted") void test.mine({ blocks: 1 });
      },
    });
    expect((await transactions.send(emit(1n))).status).toBe("success");
  });

  it("tells a dropped transaction from a stuck one", async () => {
    const test = testClient(anvil.url);
    await test.setAutomine(false);
    const events: TransactionEvent["type"][] = [];
    const transactions = createTransactionManager({
      chain,
      account,
      resubmitAfterMs: 100,
      onEvent({ type, hash }) {
        events.push(type);
        const resent = events.filter((event) => event === "resubmitted").length;
        // The first version is left in the mempool, the second taken out of it, the third mined.
        if (type === "resubmitted" && resent === 1) void test.dropTransaction({ hash });
        if (type === "resubmitted" && resent === 2) void test.mine({ blocks: 1 });
      },
    });
    await transactions.send(emit(1n));
    expect(events).toEqual(["sent", "resubmitted", "dropped", "resubmitted", "mined"]);
  });

  it("lets what can wait wait at the cap, and pays more for what is about to be too late", async () => {
    const gwei = 1_000_000_000n;
    const test = testClient(anvil.url);
    const events: TransactionEvent[] = [];
    const transactions = createTransactionManager({
      chain,
      account,
      resubmitAfterMs: 100,
      giveUpAfterMs: 1_000,
      maxFeePerGasCapWei: 10n * gwei,
      urgentFeePerGasCapWei: 500n * gwei,
      onEvent: (event) => events.push(event),
    });
    await test.setAutomine(false);
    await test.mine({ blocks: 1 });
    const { timestamp } = await chain.client.getBlock();
    const calm = transactions
      .send(emit(1n), { deadline: Number(timestamp) + 86_400 })
      .catch((error) => error);
    await until("a bid at the cap", async () => events.some(({ type }) => type === "capped"));
    expect(await calm).toMatchObject({ code: "TRANSACTION_STUCK" });
    const paid = events.flatMap((event) => ("fees" in event ? [event.fees.maxFeePerGas] : []));
    expect(paid.every((fee) => fee <= 10n * gwei)).toBe(true);

    // A spike: the base fee is above the ordinary cap.
    await test.setNextBlockBaseFeePerGas({ baseFeePerGas: 50n * gwei });
    await test.mine({ blocks: 1 });
    await test.setAutomine(true);
    const deadline = Number((await chain.client.getBlock()).timestamp) + 30;
    const urgent = createTransactionManager({
      chain,
      account: devAccount(1),
      maxFeePerGasCapWei: 10n * gwei,
      urgentFeePerGasCapWei: 500n * gwei,
    });
    expect((await urgent.send(emit(2n), { deadline })).effectiveGasPrice).toBeGreaterThan(10n * gwei);
  });

  it("looks after a transaction sooner when its deadline is near", async () => {
    const test = testClient(anvil.url);
    await test.setAutomine(false);
    const transactions = createTransactionManager({
      chain,
      account,
      resubmitAfterMs: 600_000,
      onEvent({ type }) {
        if (type === "resubmitted") void test.mine({ blocks: 1 });
      },
    });
    const { timestamp } = await chain.client.getBlock();
    const receipt = await transactions.send(emit(1n), { deadline: Number(timestamp) + 20 });
    expect(receipt.status).toBe("success");
  });

  it("says that the account is out of funds", async () => {
    await testClient(anvil.url).setBalance({ address: account.address, value: 1n });
    const failure = createTransactionManager({ chain, account }).send(emit(1n));
    await expect(failure).rejects.toMatchObject({ code: "INSUFFICIENT_FUNDS" });
    // Once it is funded, what it was for can be done: a job must not be given up for good.
    expect(isRetryable(await failure.catch((error: unknown) => error))).toBe(true);
  });
});

describe("openChain", () => {
  it("refuses another chain than the expected one", async () => {
    await expect(openChain({ rpcUrl: anvil.url, chainId: 1 })).rejects.toMatchObject({ code: "WRONG_CHAIN" });
  });

  it("gives up on an RPC that does not answer", async () => {
    const failure = openChain({ rpcUrl: "http://127.0.0.1:9", retry: { giveUpAfterMs: 200 } });
    await expect(failure).rejects.toMatchObject({ code: "RPC_UNREACHABLE" });
  });
});
