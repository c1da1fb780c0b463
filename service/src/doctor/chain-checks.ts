import { type Chain, currentFees, isDevnet, openChain, requireContracts } from "@surety/chain";
import { FatalError } from "@surety/protocol";
import { formatEther, type LocalAccount } from "viem";
import { balanceState } from "../chain/balance-watch.ts";
import { loadAccount } from "../keys/account.ts";
import { terminalPassword } from "../keys/terminal.ts";
import type { ServiceOptions } from "../options/service-options.ts";
import type { Check, Finding } from "./examine.ts";

const PATIENCE_MS = 5_000;
/** Differences of clocks that NTP does not leave. */
const CLOCK_SECONDS = 30;
const STALE_SECONDS = 180;

/** What the checks of the chain have found for those that follow. */
export interface DoctorState {
  chain?: Chain;
  account?: LocalAccount;
}

/** RPCs, clock, contracts, key and balance, in this order. */
export function chainChecks(options: ServiceOptions, state: DoctorState): Check[] {
  const chain = () => {
    if (state.chain === undefined) throw new FatalError("RPC_UNREACHABLE", "No RPC answers.");
    return state.chain;
  };
  return [
    { name: "rpc", look: () => lookAtRpcs(options, state) },
    { name: "clock", needs: ["rpc"], look: () => lookAtClocks(chain(), options.rpcUrls) },
    {
      name: "contracts",
      needs: ["rpc"],
      async look() {
        await requireContracts(chain(), options.addresses);
        return { verdict: "good", facts: `all of them stand on chain ${chain().chainId}` };
      },
    },
    {
      name: "key",
      needs: ["rpc"],
      async look() {
        state.account = await loadAccount(options.key, chain().chainId, terminalPassword());
        return { verdict: "good", facts: `${state.account.address}, from ${options.key.kind}` };
      },
    },
    {
      name: "balance",
      needs: ["rpc", "key"],
      look: () => lookAtBalance(chain(), state.account as LocalAccount, options.maxFeePerGasCapWei),
    },
  ];
}

async function lookAtRpcs(options: ServiceOptions, state: DoctorState): Promise<Omit<Finding, "check">[]> {
  const { rpcUrls, chainId } = options;
  const findings = await Promise.all(
    rpcUrls.map(async (rpcUrl): Promise<Omit<Finding, "check">> => {
      const { host } = new URL(rpcUrl);
      const startedAt = performance.now();
      try {
        const patience = { retry: { giveUpAfterMs: PATIENCE_MS }, timeoutMs: PATIENCE_MS };
        const one = await openChain({ rpcUrl, ...patience, ...(chainId === undefined ? {} : { chainId }) });
        const ms = Math.round(performance.now() - startedAt);
        const head = one.endpoints()[0]?.headBlock;
        return { verdict: "good", facts: `${host} answers in ${ms} ms: chain ${one.chainId}, block ${head}` };
      } catch (error) {
        const why = (error as FatalError).shortMessage ?? String(error);
        return { verdict: "warning", facts: `${host}: ${why}`, mend: "correct or remove this --rpc-url" };
      }
    }),
  );
  const retry = { giveUpAfterMs: PATIENCE_MS };
  // Throws where none answers, or one is on another chain than the others.
  state.chain = await openChain({
    rpcUrl: rpcUrls,
    retry,
    timeoutMs: PATIENCE_MS,
    ...(chainId === undefined ? {} : { chainId }),
  });
  const apart = state.chain.endpoints().filter(({ fault }) => fault === "forked" || fault === "off-head");
  for (const { endpoint, fault } of apart) {
    findings.push({
      verdict: "warning",
      facts: `${endpoint} is ${fault}`,
      mend: "its blocks are not those of the others: see docs/operating.md",
    });
  }
  if (rpcUrls.length < 2 && !isDevnet(state.chain.chainId)) {
    findings.push({
      verdict: "warning",
      facts: "only one",
      mend: "give --rpc-url three times: one can fail, and one can lie",
    });
  }
  return findings;
}

/** This machine's clock against those of the endpoints' machines, by the `Date` of their answers, and against the chain's. */
async function lookAtClocks(chain: Chain, rpcUrls: readonly string[]): Promise<Omit<Finding, "check">[]> {
  const offsets = (await Promise.all(rpcUrls.map(clockOffset))).filter((offset) => offset !== undefined);
  const least = offsets.sort((a, b) => Math.abs(a) - Math.abs(b))[0];
  const found = [await lookAtClock(chain)];
  if (least === undefined) return found;
  const facts = `this machine's clock is ${Math.abs(least)} s ${least < 0 ? "ahead of" : "behind"} that of the nearest endpoint`;
  if (Math.abs(least) <= CLOCK_SECONDS) return [{ verdict: "good", facts }, ...found];
  return [
    { verdict: "bad", facts, mend: "set the clock (NTP), or use an endpoint whose clock is right" },
    ...found,
  ];
}

/** Seconds that an endpoint's clock is ahead of this machine's; undefined where it does not tell. */
async function clockOffset(rpcUrl: string): Promise<number | undefined> {
  try {
    const response = await fetch(rpcUrl, {
      ...{ method: "POST", headers: { "content-type": "application/json" } },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const told = Date.parse(response.headers.get("date") ?? "");
    return Number.isNaN(told) ? undefined : Math.round((told - Date.now()) / 1_000);
  } catch {
    // Whether it answers is another check's.
    return undefined;
  }
}

async function lookAtClock(chain: Chain): Promise<Omit<Finding, "check">> {
  const { timestamp } = await chain.client.getBlock();
  const ahead = Number(timestamp) - Math.floor(Date.now() / 1_000);
  if (isDevnet(chain.chainId)) return { verdict: "good", facts: "a development chain's time is its own" };
  if (ahead > CLOCK_SECONDS) {
    return {
      verdict: "bad",
      facts: `the newest block is ${ahead} s in this machine's future`,
      mend: "set the clock (NTP)",
    };
  }
  if (-ahead > STALE_SECONDS) {
    const mend =
      "the RPC lags, the chain stands still, or this machine's clock is ahead: compare with another machine";
    return { verdict: "bad", facts: `the newest block is ${-ahead} s old`, mend };
  }
  return { verdict: "good", facts: `the newest block is ${-ahead} s old` };
}

async function lookAtBalance(
  chain: Chain,
  { address }: LocalAccount,
  cap = 500_000_000_000n,
): Promise<Omit<Finding, "check">> {
  const [balance, { maxFeePerGas }] = await Promise.all([
    chain.client.getBalance({ address }),
    currentFees(chain, cap),
  ]);
  const facts = `${formatEther(balance)} at ${address}, gas for ${balance / (maxFeePerGas || 1n) / 1_000_000n} million at ${maxFeePerGas} wei`;
  const mend = `send more to ${address}: a dispute that cannot be paid for is lost`;
  const state = balanceState(balance, maxFeePerGas);
  if (state === "critical") return { verdict: "bad", facts, mend };
  return state === "low" ? { verdict: "warning", facts, mend } : { verdict: "good", facts };
}
