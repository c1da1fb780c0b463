import { join } from "node:path";
import { BUNDLE_FILES } from "@surety/engine";
import type { ModelId } from "@surety/protocol";
import type { BundleDirectory } from "../bundles/bundle-directory.ts";
import type { FileRoute } from "../http/file-route.ts";

const HASH = { type: "string", pattern: "^0x[0-9a-f]{64}$" };

/** `/models/<model id>/<file>`: the bundles at hand, for other nodes and challengers to fetch; they compute every hash themselves. */
export function modelFiles(models: Pick<BundleDirectory, "find">): FileRoute {
  return {
    path: "/models/:modelId/:file",
    summary: "A file of a model's bundle: manifest.json, model.onnx, program.bin, weights.bin.",
    parameters: { modelId: HASH, file: { type: "string", enum: [...BUNDLE_FILES] } },
    find({ modelId, file }) {
      const entry = models.find(modelId as ModelId);
      return entry && join(entry.dir, file as string);
    },
  };
}

/** `/outputs/<root>`: the bytes of answers that the chain holds the root of only. */
export function outputFiles(outputOf: (root: string) => Uint8Array | undefined): FileRoute {
  return {
    path: "/outputs/:root",
    summary: "An answer that was posted by reference, by the root of its outputs.",
    parameters: { root: HASH },
    find: ({ root }) => outputOf(root as string),
  };
}
