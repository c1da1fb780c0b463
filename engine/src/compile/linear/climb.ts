import type { Accuracy } from "../../run/manifest.ts";
import type { LayerError } from "./layerErrors.ts";
import { type Rung, type Rungs, TOP } from "./rung.ts";

/** Why a layer is on its rung. */
export interface LayerChoice {
  readonly layer: string;
  readonly node: string;
  readonly op: string;
  readonly rung: Rung;
  /** Noise to signal at the model's outputs caused by this layer alone: on rung 0, and where it is now (on rung 4: not measured, 0). */
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

/**
 * What is compared with the asked-for agreement: the share of equal classes, seen and to be expected (few samples hardly show rare changes), else the least
 * cosine similarity.
 */
export function agreementOf({ top1Agreement, top1Expected, cosineMin }: Accuracy): number {
  return top1Agreement === undefined ? cosineMin : Math.min(top1Agreement, top1Expected ?? 1);
}

/** 8-bit weights are chosen where they leave no more than this share of a layer's error. */
const ENOUGH = 0.25;

/**
 * Raises layers, each time the one that costs most, until the model agrees: tries twice as many raises in each trial, then as few of them as will do.
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
      return {
        layer,
        node,
        op,
        rung,
        before: error.errors[0],
        after: rung === 4 ? 0 : error.errors[rung],
      };
    });
    const costliest = choices.reduce<LayerChoice | undefined>(
      (worst, choice) => (worst && worst.after >= choice.after ? worst : choice),
      undefined,
    );
    return { result, reached, climbed: choices.filter(({ rung }) => rung > 0), costliest, trials };
  };

  if (await agrees(new Map())) return finish(true);
  order = [...(await measure())].sort((a, b) => b.errors[0] - a.errors[0]);
  const raises = raisesOf(order);
  const rungsAfter = (count: number): Rungs => new Map(raises.slice(0, count));
  let failed = 0;
  for (let count = 1; failed < raises.length; count = Math.min(raises.length, 2 * count)) {
    if (!(await agrees(rungsAfter(count)))) {
      failed = count;
      continue;
    }
    let enough = count;
    while (enough - failed > 1) {
      const middle = Math.floor((failed + enough) / 2);
      if (await agrees(rungsAfter(middle))) enough = middle;
      else failed = middle;
    }
    return finish(true);
  }
  return finish(false);
}

/** Layers and the rungs they are raised to, one after the other: each time the layer that costs most as it then is, until all are on the last rung. */
function raisesOf(errors: readonly LayerError[]): (readonly [string, Rung])[] {
  const current = errors.map(({ layer, errors: noise }) => ({ layer, noise, rung: 0 as Rung }));
  const cost = ({ noise, rung }: (typeof current)[number]) => (rung === 4 ? -1 : noise[rung]);
  const raises: (readonly [string, Rung])[] = [];
  for (;;) {
    const worst = current.reduce((a, b) => (cost(b) > cost(a) ? b : a), current[0] ?? { ...NOTHING });
    if (worst.rung === TOP) return raises;
    const [zero, one] = worst.noise;
    if (worst.rung === 0) worst.rung = one <= zero * ENOUGH ? 1 : 2;
    else worst.rung = (worst.rung + 1) as Rung;
    raises.push([worst.layer, worst.rung]);
  }
}

/** Stands in where a model has no linear layer. */
const NOTHING: { layer: string; noise: LayerError["errors"]; rung: Rung } = {
  layer: "",
  noise: [0, 0, 0, 0],
  rung: TOP,
};
