import { createHmac, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RequestView } from "@surety/chain";
import type { ModelId } from "@surety/protocol";
import { zeroAddress } from "viem";
import type { AssertionSeen } from "../store/store.ts";

/** Which answers are checked. What is not given excludes nothing; what is given must all hold. */
export interface PolicyOptions {
  /** Only answers of these models. */
  readonly models?: readonly ModelId[];
  /** Only answers behind which so much may be at risk, as their bond says. */
  readonly minValueWei?: bigint;
  /** Only answers to requests that paid so much; fees in tokens are not compared, and pass. */
  readonly minFeeWei?: bigint;
  /** Of the answers that pass, this part, from 0 to 1, drawn by a secret seed. */
  readonly sampleShare?: number;
}

/** Why an answer is not checked. */
export type Skip = "model" | "sample" | "value" | "fee";

export interface Policy {
  /** What can be said without asking the chain; undefined: check it. */
  skips(assertion: Pick<AssertionSeen, "assertionId" | "modelId">): Skip | undefined;
  /** Whether `skipsRequest` has a say at all. */
  readonly asksRequest: boolean;
  skipsRequest(view: Pick<RequestView, "bondWei" | "fee" | "feeToken">): Skip | undefined;
}

/**
 * @param bondBps The oracle's: of 10,000 parts of the value at risk, what the bond is.
 * @param seed Of the sample. Whoever knows it knows which answers nobody looks at.
 */
export function createPolicy(options: PolicyOptions, bondBps: number, seed: Uint8Array): Policy {
  const { models, minValueWei = 0n, minFeeWei = 0n, sampleShare = 1 } = options;
  const wanted = models === undefined ? undefined : new Set(models);
  return {
    skips({ assertionId, modelId }) {
      if (wanted !== undefined && !wanted.has(modelId)) return "model";
      return draw(seed, assertionId) < sampleShare ? undefined : "sample";
    },
    asksRequest: minValueWei > 0n || minFeeWei > 0n,
    skipsRequest({ bondWei, fee, feeToken }) {
      // The least bond stands for any value up to its own: the most that may be at risk is what counts.
      if (bondBps > 0 && (bondWei * 10_000n) / BigInt(bondBps) < minValueWei) return "value";
      return feeToken === zeroAddress && fee < minFeeWei ? "fee" : undefined;
    },
  };
}

/** A number from 0 to 1, the same for an assertion whenever it is drawn. 48 bits of an HMAC: a double holds them exactly. */
function draw(seed: Uint8Array, assertionId: bigint): number {
  return createHmac("sha256", seed).update(String(assertionId)).digest().readUIntBE(0, 6) / 2 ** 48;
}

/** The data directory's seed, made when there is none yet: the same answers are drawn after a restart. */
export function samplingSeed(dataDir: string): Uint8Array {
  const file = join(dataDir, "sampling-seed");
  if (!existsSync(file)) {
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(file, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600, flag: "wx" });
  }
  return Buffer.from(readFileSync(file, "utf8").trim(), "utf8");
}
