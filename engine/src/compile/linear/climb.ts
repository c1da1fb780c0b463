import type { Accuracy } from "../../run/manifest.ts";
import type { LayerError } from "./layerErrors.ts";
import type { Rung, Rungs } from "./rung.ts";

/** Why a layer is on its rung. */
export interface LayerChoice {
  readonly layer: string;
  readonly node: string;
  readonly op: string;
  readonly rung: Rung;
  /** Noise to signal at the model's outputs caused by this layer alone: on rung 0, and where it is now (on rung 3: not measured, 0). */
  readonly before: number;
  readonly after: number;
}

export interface Climb<Result> {
  readonly result: Result;
  readonly reached: boolean;
  /** The layers above rung 0, the costliest first. */
  readonly climbed: readonly LayerChoice[];
  /** The layer that costs most as it is now. */
  readonly costliest: LayerChoice | undefined;
  /** How many times the model was lowered. */
  readonly trials: number;
}

/** What is compared with the asked-for agreement: the share of samples with the same class, else the least cosine similarity. */
export function agreementOf({ top1Agreement, cosineMin }: Accuracy): number {
  return top1Agreement ?? cosineMin;
}

/** 8-bit weights are chosen where they leave no more than this share of a layer's error. */
const ENOUGH = 0.25;

/**
 * Raises layers, the costliest first, until the model agrees: twice as many in each trial, then as few of them as will do. When all are on rung 2 and
 * that is not enough, goes on to rung 3 in the same order.
 *
 * @param measure gives the error of every layer by itself; not asked where rung 0 agrees
 * @param attempt lowers the model on these rungs and measures it
 */
export async function climb<Result extends { readonly accuracy: Accuracy }>(
  measure: () => Promise<readonly LayerError[]>,
  minAgreement: number,
  attempt: (rungs: Rungs) => Promise<Result>,
): Promise<Climb<Result>> {
  let order: readonly LayerError[] = [];
  let trials = 0;
  let best: { result: Result; rungs: Rungs } | undefined;
  const agrees = async (rungs: Rungs) => {
    trials++;
    const result = await attempt(rungs);
    const agreement = agreementOf(result.accuracy);
    const isReached = agreement >= minAgreement;
    if (isReached || !best || agreement > agreementOf(best.result.accuracy)) best = { result, rungs };
    return isReached;
  };
  const finish = (reached: boolean): Climb<Result> => {
    const { result, rungs } = best as { result: Result; rungs: Rungs };
    const choices = order.map((error): LayerChoice => {
      const rung = rungs.get(error.layer) ?? 0;
      const { layer, node, op } = error;
      return { layer, node, op, rung, before: error.errors[0], after: rung === 3 ? 0 : error.errors[rung] };
    });
    const costliest = choices.reduce<LayerChoice | undefined>(
      (worst, choice) => (worst && worst.after >= choice.after ? worst : choice),
      undefined,
    );
    return { result, reached, climbed: choices.filter(({ rung }) => rung > 0), costliest, trials };
  };

  if (await agrees(new Map())) return finish(true);
  order = [...(await measure())].sort((a, b) => b.errors[0] - a.errors[0]);
  const first = order.map(({ layer, errors: [zero, one] }) => [layer, one <= zero * ENOUGH ? 1 : 2] as const);
  const all2 = order.map(({ layer }) => [layer, 2] as const);
  const ways: ((count: number) => Rungs)[] = [
    (count) => new Map<string, Rung>(first.slice(0, count)),
    (count) => new Map<string, Rung>([...first, ...all2.slice(0, count)]),
    (count) =>
      new Map<string, Rung>([...all2, ...all2.slice(0, count).map(([layer]) => [layer, 3] as const)]),
  ];
  for (const rungsOf of ways) {
    let failed = 0;
    for (let count = 1; failed < order.length; count = Math.min(order.length, 2 * count)) {
      if (!(await agrees(rungsOf(count)))) {
        failed = count;
        continue;
      }
      let enough = count;
      while (enough - failed > 1) {
        const middle = Math.floor((failed + enough) / 2);
        if (await agrees(rungsOf(middle))) enough = middle;
        else failed = middle;
      }
      // The last one that agreed need not be the last tried.
      return finish(true);
    }
  }
  return finish(false);
}
