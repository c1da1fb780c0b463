import {
  argMax,
  type Bundle,
  cosine,
  createSession,
  type HostTensor,
  type InputSample,
  openModel,
  portableForm,
  runSession,
  tensorFromBytes,
} from "@surety/engine";
import type { ModelCase } from "./cases.ts";

export interface Agreement {
  readonly samples: number;
  /** Share of samples whose first outputs have the same largest element. */
  readonly sameClass: number;
  /** Of each output, the least cosine similarity. */
  readonly leastCosine: Readonly<Record<string, number>>;
  readonly meanCosine: Readonly<Record<string, number>>;
}

/** The exact model against the source model, its weights in the form that no processor saturates on. */
export async function measureAgreement(
  bundle: Bundle,
  source: Uint8Array,
  samples: readonly InputSample[],
): Promise<Agreement> {
  const float = await createSession(portableForm(source), { optimisation: "exact" });
  const exact = await openModel(bundle);
  const least: Record<string, number> = {};
  const sum: Record<string, number> = {};
  let same = 0;
  try {
    for (const sample of samples) {
      const expected = await runSession(float, sample);
      const outputs = await exact.run(sample);
      for (const [index, { name, dtype, shape }] of bundle.manifest.outputs.entries()) {
        const actual = tensorFromBytes(dtype, shape, outputs[index] as Uint8Array);
        const wanted = expected[name] as HostTensor;
        if (index === 0 && argMax(actual) === argMax(wanted)) same++;
        const similarity = cosine(actual, wanted);
        least[name] = Math.min(least[name] ?? 1, similarity);
        sum[name] = (sum[name] ?? 0) + similarity;
      }
    }
  } finally {
    await float.release();
    await exact.release();
  }
  const meanCosine = Object.fromEntries(
    Object.entries(sum).map(([name, total]) => [name, total / samples.length]),
  );
  return { samples: samples.length, sameClass: same / samples.length, leastCosine: least, meanCosine };
}

/** What a case is held to: the share of equal classes, or the least cosine of any output. */
export function figureOf({ kind }: ModelCase, { sameClass, leastCosine }: Agreement): number {
  return kind === "classifier" ? sameClass : Math.min(...Object.values(leastCosine));
}
