import {
  loadBundle,
  type ModelSession,
  openModel,
  requireGolden,
  requireKernels,
  vetBundle,
} from "@surety/engine";
import { openCheckedModels } from "./checked-models.ts";
import { ownData } from "./process-data.ts";
import { createRecent } from "./recent.ts";

/**
 * Tries an open model once more: every byte of its bundle on disk, its kernels' known answers, its golden vector.
 *
 * @throws FatalError BUNDLE_CHANGED, KERNEL_WRONG, GOLDEN_MISMATCH
 */
export async function retestModel(session: ModelSession, bundleDir: string): Promise<void> {
  await requireKernels(loadBundle(bundleDir).graph, true);
  await requireGolden(session);
}

/** Models kept open. */
const OPEN_MODELS = 8;

/**
 * Opens models by their bundles' directories and keeps the last ones open. Before anything is run, every byte of a bundle is read and checked
 * against the model's id, every kernel its graph uses gives its known answers, and the model gives its golden vector. Where it was never opened on this
 * machine its graph is also compared with its whole program. One that could not be opened may be mended on disk, and is looked at again next time.
 */
export function createOpenModels(limit = OPEN_MODELS): (bundleDir: string) => Promise<ModelSession> {
  const { checkedModelsDir, ...parameters } = ownData() ?? { checkedModelsDir: undefined };
  const checked = openCheckedModels(checkedModelsDir);
  const sessions = createRecent<Promise<ModelSession>>(limit, async (session) => (await session).release());
  return (bundleDir) =>
    sessions.get(bundleDir, async () => {
      const bundle = loadBundle(bundleDir);
      if (!checked.has(bundle)) {
        // In a process of its own: a graph may abort the process that loads it.
        await vetBundle(bundleDir);
        checked.add(bundle);
      }
      const session = await openModel(bundle, parameters);
      try {
        await requireGolden(session);
        return session;
      } catch (error) {
        await session.release();
        throw error;
      }
    });
}
