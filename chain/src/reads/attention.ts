import { type AssertionId, attentionTestsAbi, type ModelId } from "@surety/protocol";
import { type Address, encodeAbiParameters, type Hex, keccak256, stringToBytes } from "viem";
import type { SuretyAddresses } from "../addresses.ts";
import { attentionOf } from "../calls/attention.ts";
import type { AttentionParameters } from "../deploy.ts";
import type { Chain } from "../rpc/client.ts";
import { read } from "./read.ts";

export interface WatcherView {
  readonly stakeWei: bigint;
  /** Watches what is posted after this block; 0: nothing. */
  readonly sinceBlock: number;
  /** And up to this one; 0: for good. */
  readonly untilBlock: number;
  /** Unix seconds. */
  readonly withdrawableAt: number;
}

export interface AuditView {
  /** Unix seconds; 0: not audited. */
  readonly auditedAt: number;
  /** The poster had shown its trace root before it was asked to. */
  readonly leaked: boolean;
  readonly posterFined: boolean;
}

export function attentionParameters(chain: Chain, at: SuretyAddresses): Promise<AttentionParameters> {
  return read(chain, "attention", attentionOf(at), attentionTestsAbi, "parameters", []);
}

export function watcherOf(
  chain: Chain,
  at: SuretyAddresses,
  modelId: ModelId,
  watcher: Address,
): Promise<WatcherView> {
  const args = [modelId, watcher] as const;
  return read(chain, "attention", attentionOf(at), attentionTestsAbi, "watcherOf", args);
}

export function auditOf(chain: Chain, at: SuretyAddresses, assertionId: AssertionId): Promise<AuditView> {
  return read(chain, "attention", attentionOf(at), attentionTestsAbi, "auditOf", [assertionId]);
}

/** What the attention tests hold for an account: rewards, bounties, stakes given back. */
export function attentionCreditWei(chain: Chain, at: SuretyAddresses, account: Address): Promise<bigint> {
  return read(chain, "attention", attentionOf(at), attentionTestsAbi, "creditOf", [account]);
}

const ASKED = keccak256(stringToBytes("Surety attention: asked"));
const ATTENDED = keccak256(stringToBytes("Surety attention: attended"));

function hashOf(prefix: Hex, assertionId: AssertionId, watcher: Address, traceRoot: Hex): Hex {
  const types = [{ type: "bytes32" }, { type: "uint256" }, { type: "address" }, { type: "bytes32" }] as const;
  return keccak256(encodeAbiParameters(types, [prefix, assertionId, watcher, traceRoot]));
}

/**
 * `IAttentionTests.isAsked`, reckoned here: asking the chain would tell the RPC the secret.
 *
 * @param askedBps The deployment's parameter.
 */
export function isAskedToAttend(
  assertionId: AssertionId,
  watcher: Address,
  traceRoot: Hex,
  askedBps: number,
): boolean {
  return BigInt(hashOf(ASKED, assertionId, watcher, traceRoot)) % 10_000n < BigInt(askedBps);
}

/** `IAttentionTests.commitmentOf`, likewise. */
export function attentionCommitment(assertionId: AssertionId, watcher: Address, traceRoot: Hex): Hex {
  return hashOf(ATTENDED, assertionId, watcher, traceRoot);
}
