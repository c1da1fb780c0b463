import { isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ModelId } from "@surety/protocol";
import { UsageError } from "@surety/protocol";
import { bundleDirs, openBundleDirectory } from "../bundles/bundle-directory.ts";

/** Where the files of a model's bundle are. */
export type BundlePlace =
  | { readonly kind: "folder"; readonly path: string }
  /** `url` + a file's name is that file's. */
  | { readonly kind: "http"; readonly url: string };

/** A place that models are fetched from. */
export interface ModelSource {
  /** For people: without what may be a secret. */
  readonly name: string;
  /** Undefined where it is known not to have the model. */
  place(modelId: ModelId): BundlePlace | undefined;
}

/**
 * Reads what `--model-source` says:
 *
 * - `https://node:9464`: a node, or whatever serves `/models/<model id>/<file>` as a node does;
 * - `ipfs://CID` or `ipfs://CID/folder`: a bundle's folder, got from `gateway` by HTTP;
 * - a folder's path or `file://` URL: a bundle, or one in each subdirectory.
 *
 * @throws UsageError OPTION_INVALID
 */
export function parseModelSource(text: string, gateway: string | undefined): ModelSource {
  const ipfs = /^ipfs:\/\/([A-Za-z0-9]+(?:\/[\w.-]+)*)\/?$/.exec(text);
  if (ipfs !== null) {
    if (gateway === undefined) {
      throw new UsageError("OPTION_INVALID", `${text} needs an IPFS gateway: give --ipfs-gateway.`);
    }
    const url = `${withSlash(gateway)}ipfs/${ipfs[1]}/`;
    return { name: text, place: () => ({ kind: "http", url }) };
  }
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) {
    const base = withSlash(text);
    return {
      name: new URL(text).host,
      place: (modelId) => ({ kind: "http", url: `${base}models/${modelId}/` }),
    };
  }
  const path = folderOf(text);
  if (path === undefined) {
    throw new UsageError(
      "OPTION_INVALID",
      `--model-source ${JSON.stringify(text)} is none of http(s)://HOST, ipfs://CID, a folder.`,
    );
  }
  return {
    name: path,
    place(modelId) {
      const found = bundleDirs(path).length === 0 ? undefined : openBundleDirectory(path).find(modelId);
      return found && { kind: "folder", path: found.dir };
    },
  };
}

function folderOf(text: string): string | undefined {
  if (/^file:\/\//i.test(text)) return URL.canParse(text) ? fileURLToPath(text) : undefined;
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) return undefined;
  return isAbsolute(text) ? text : resolve(text);
}

function withSlash(url: string): string {
  return url.endsWith("/") ? url : `${url}/`;
}
