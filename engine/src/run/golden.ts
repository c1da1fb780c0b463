import { FatalError } from "@surety/protocol";
import type { Bundle } from "./bundle.ts";
import { answerHash } from "./knownAnswers.ts";
import { type Golden, manifestHash } from "./manifest.ts";
import { probeInputs } from "./probeInputs.ts";
import { type ModelSession, openModel } from "./session.ts";

async function goldenOutputs(session: ModelSession): Promise<Golden[]> {
  const golden: Golden[] = [];
  for (const [probe, input] of probeInputs(session.bundle)) {
    golden.push({ probe, outputs: answerHash(await session.run(input)) });
  }
  return golden;
}

/**
 * The bundle with its golden vector: what it answers to the probe inputs, by onnxruntime on this machine.
 * @throws FatalError those of openModel and RUN_FAILED
 */
export async function withGolden(bundle: Bundle): Promise<Bundle> {
  const session = await openModel(bundle);
  try {
    const rest = { ...bundle.manifest, golden: await goldenOutputs(session) };
    return { ...bundle, manifest: { ...rest, sha256: manifestHash(rest) } };
  } finally {
    await session.release();
  }
}

/**
 * Runs the model's golden vector: that this machine answers as the one that compiled it. Takes a few runs of the model, where `requireGraphMatches`
 * evaluates its whole program.
 *
 * @throws FatalError GOLDEN_MISMATCH, RUN_FAILED
 */
export async function requireGolden(session: ModelSession): Promise<void> {
  const { golden } = session.bundle.manifest;
  const here = await goldenOutputs(session);
  const wrong = here.find(({ probe, outputs }, index) => {
    const right = golden[index];
    return right?.probe !== probe || right.outputs !== outputs;
  });
  if (wrong === undefined && golden.length === here.length) return;
  throw new FatalError(
    "GOLDEN_MISMATCH",
    `Model ${session.bundle.modelId} gives another answer to its ${wrong?.probe ?? "last"} inputs here than where it was compiled: answers from this machine could be slashed. Run "surety model check" on the bundle to learn which of the two is wrong.`,
  );
}
