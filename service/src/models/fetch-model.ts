import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { BUNDLE_FILES, loadBundle, vetBundle } from "@surety/engine";
import { FatalError, type ModelId, RetryableError } from "@surety/protocol";
import { openBundleDirectory } from "../bundles/bundle-directory.ts";
import { reasonOf } from "../log/reason.ts";
import { copyBounded, download, type TransferLimits } from "./copy-file.ts";
import type { ModelSource } from "./model-source.ts";

export interface FetchModelParameters {
  readonly modelId: ModelId;
  /** Directory of bundles; a fetched one becomes its subdirectory named by the model's id. Made when missing. */
  readonly store: string;
  /** Asked in this order until one has it. */
  readonly sources: readonly ModelSource[];
  readonly limits?: Partial<ModelLimits>;
  /** Told of a source that did not have it, and why. */
  readonly onMiss?: (source: string, why: string) => void;
}

export interface ModelLimits {
  /** Of one model's files together. Default: 1 GiB. */
  readonly modelBytes: number;
  /** Of the directory with the new one in it. Default: 16 GiB. */
  readonly storeBytes: number;
  /** For one model from one source, in milliseconds. Default: 10 minutes. */
  readonly totalMs: number;
  /** Without a byte. Default: 30 s. */
  readonly stallMs: number;
}

const GIB = 2 ** 30;
const DEFAULTS: ModelLimits = { modelBytes: GIB, storeBytes: 16 * GIB, totalMs: 600_000, stallMs: 30_000 };
/** What a fetch leaves behind that was killed. */
const LEFT_BEHIND_MS = 24 * 3_600_000;
const TEMPORARY = ".fetch-";

/**
 * Gets a model's bundle by its id. The files go into a folder of their own; every hash of them is computed, the id among them, and the graph compared with
 * its program in a child process, before the bundle takes its name in the store. What is there already is checked and kept.
 *
 * @returns the bundle's directory
 * @throws RetryableError MODEL_UNAVAILABLE; FatalError MODEL_STORE_FULL, and those of `loadBundle` for a bundle that was there before
 */
export async function fetchModel(parameters: FetchModelParameters): Promise<string> {
  const { modelId, store, sources, onMiss } = parameters;
  const limits = { ...DEFAULTS, ...parameters.limits };
  mkdirSync(store, { recursive: true });
  const present = openBundleDirectory(store).find(modelId);
  if (present !== undefined) {
    loadBundle(present.dir);
    return present.dir;
  }
  removeLeftovers(store);
  const room = limits.storeBytes - bytesIn(store);
  if (room <= 0) {
    throw new FatalError(
      "MODEL_STORE_FULL",
      `${store} holds ${(limits.storeBytes - room).toLocaleString("en")} bytes, ${limits.storeBytes.toLocaleString("en")} are allowed: remove models, or raise --model-store-mb.`,
    );
  }
  const mostBytes = Math.min(limits.modelBytes, room);
  const misses: string[] = [];
  for (const source of sources) {
    const folder = mkdtempSync(join(store, TEMPORARY));
    try {
      await copyBundle(source, modelId, folder, { ...limits, mostBytes });
      const actual = loadBundle(folder).modelId;
      if (actual !== modelId) throw new Error(`it gave the model ${actual}`);
      await vetBundle(folder);
      return accept(folder, store, modelId);
    } catch (error) {
      const why = reasonOf(error);
      misses.push(`${source.name}: ${why}`);
      onMiss?.(source.name, why);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  throw new RetryableError(
    "MODEL_UNAVAILABLE",
    `Model ${modelId} cannot be had. ${misses.join("; ") || "No --model-source is given"}.`,
  );
}

async function copyBundle(
  source: ModelSource,
  modelId: ModelId,
  folder: string,
  { mostBytes, stallMs, totalMs }: ModelLimits & { readonly mostBytes: number },
): Promise<void> {
  const place = source.place(modelId);
  if (place === undefined) throw new Error("it does not have it");
  const signal = AbortSignal.timeout(totalMs);
  let left = mostBytes;
  for (const file of BUNDLE_FILES) {
    const limits: TransferLimits = { mostBytes: left, stallMs, signal };
    const to = join(folder, file);
    left -= await (place.kind === "http"
      ? download(`${place.url}${file}`, to, limits)
      : copyBounded(join(place.path, file), to, limits));
  }
}

/** The bundle under its name; where another process was faster, the other's. */
function accept(folder: string, store: string, modelId: ModelId): string {
  const to = join(store, modelId);
  // A temporary folder is its owner's alone; workers may run as somebody else.
  chmodSync(folder, 0o755);
  try {
    renameSync(folder, to);
  } catch (error) {
    if (openBundleDirectory(store).find(modelId)?.dir !== to) throw error;
  }
  return to;
}

function removeLeftovers(store: string): void {
  for (const name of readdirSync(store)) {
    if (!name.startsWith(TEMPORARY)) continue;
    const age = Date.now() - (statSync(join(store, name), { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (age > LEFT_BEHIND_MS) rmSync(join(store, name), { recursive: true, force: true });
  }
}

function bytesIn(path: string): number {
  // A link's target belongs to somebody else's disk.
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesIn(join(path, name)), 0);
}
