import { loadBundle, type ModelSession, openModel, requireGraphMatches } from "@surety/engine";
import { createRecent } from "./recent.ts";

/** Models kept open. */
const OPEN_MODELS = 8;

/**
 * Opens models by their bundles' directories and keeps the last ones open. Every byte of a bundle is read and checked against the model's
 * id, and its graph is compared with its program on probe inputs before anything is run; one that could not be opened may be mended on
 * disk, and is looked at again next time.
 */
export function createOpenModels(limit = OPEN_MODELS): (bundleDir: string) => Promise<ModelSession> {
  const sessions = createRecent<Promise<ModelSession>>(limit, async (session) => (await session).release());
  return (bundleDir) =>
    sessions.get(bundleDir, async () => {
      const bundle = loadBundle(bundleDir);
      await requireGraphMatches(bundle);
      return openModel(bundle);
    });
}
