import type { ModelId } from "@surety/protocol";
import type { Logger } from "../log/logger.ts";
import { fetchModel } from "./fetch-model.ts";
import { parseModelSource } from "./model-source.ts";

/** What a service was told of models that it is to have. */
export interface ModelOptions {
  /** Directory of compiled models: a bundle, or one bundle in each subdirectory. Fetched ones are added to it. */
  readonly bundlesDir: string;
  /** Models that are fetched at the start where `bundlesDir` does not have them. */
  readonly models?: readonly ModelId[];
  /** Where from, the preferred one first; see `parseModelSource`. */
  readonly modelSources?: readonly string[];
  /** Base URL of an IPFS gateway, for sources `ipfs://...`. */
  readonly ipfsGateway?: string;
  /** Bytes of one fetched model's files. Default: 1 GiB. */
  readonly mostModelBytes?: number;
  /** Bytes of `bundlesDir` with a fetched model. Default: 16 GiB. */
  readonly mostStoreBytes?: number;
}

/**
 * Fetches what a service was told to have and does not have yet.
 *
 * @throws RetryableError MODEL_UNAVAILABLE; FatalError MODEL_STORE_FULL; UsageError OPTION_INVALID
 */
export async function fetchWantedModels(
  options: ModelOptions,
  log: Pick<Logger, "info" | "warn">,
): Promise<void> {
  const { bundlesDir, models = [], modelSources = [], ipfsGateway, mostModelBytes, mostStoreBytes } = options;
  const sources = modelSources.map((text) => parseModelSource(text, ipfsGateway));
  for (const modelId of new Set(models)) {
    const dir = await fetchModel({
      ...{ modelId, store: bundlesDir, sources },
      limits: {
        ...(mostModelBytes === undefined ? {} : { modelBytes: mostModelBytes }),
        ...(mostStoreBytes === undefined ? {} : { storeBytes: mostStoreBytes }),
      },
      onMiss: (source, why) => log.warn({ modelId, source, why }, "a source does not have the model"),
    });
    log.info({ modelId, dir }, "model at hand");
  }
}
