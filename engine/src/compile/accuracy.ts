import type { InputSample } from "../inputs/readInputs.ts";
import type { HostTensor } from "../onnx/tensor.ts";
import type { Accuracy } from "../run/manifest.ts";
import { asGraphInputs, createSession, runSession } from "../run/onnxruntime.ts";

/** Runs the exact graph over the samples and compares it with the float model's outputs. */
export async function measureAccuracy(
  graph: Uint8Array,
  samples: readonly InputSample[],
  expected: readonly InputSample[],
): Promise<Accuracy> {
  const session = await createSession(graph, { intraOpNumThreads: 1 });
  try {
    const names = Object.keys(expected[0] ?? {});
    const cosines = names.map((): number[] => []);
    let agreements = 0;
    const leads: number[] = [];
    const losses: number[] = [];
    let classifies = true;
    for (const [index, sample] of samples.entries()) {
      const exact = await runSession(session, asGraphInputs(sample, session.inputNames));
      const float = expected[index] as InputSample;
      const [first = ""] = names;
      const row = float[first] as HostTensor;
      classifies &&= row.data.length >= 2 && row.data.length === row.dims.at(-1);
      if (classifies) {
        const answer = exact[first] as HostTensor;
        if (argMax(row) === argMax(answer)) agreements++;
        const [best, second] = topTwo(row);
        const lead = ({ data }: HostTensor) => Number(data[best]) - Number(data[second]);
        leads.push(lead(row));
        losses.push(lead(row) - lead(answer));
      }
      for (const [k, name] of names.entries())
        cosines[k]?.push(cosine(exact[name] as HostTensor, float[name] as HostTensor));
    }
    const outputs = names.map((name, k) => {
      const list = cosines[k] ?? [];
      const cosineMean = list.reduce((sum, value) => sum + value, 0) / list.length;
      return { name, cosineMean, cosineMin: Math.min(...list) };
    });
    return {
      samples: samples.length,
      ...(classifies
        ? { top1Agreement: agreements / samples.length, top1Expected: outlasting(leads, losses) }
        : {}),
      cosineMean: outputs.reduce((sum, output) => sum + output.cosineMean, 0) / outputs.length,
      cosineMin: Math.min(...outputs.map((output) => output.cosineMin)),
      outputs,
    };
  } finally {
    await session.release();
  }
}

/** The number of the largest element, the first of several. */
export function argMax(tensor: HostTensor): number {
  const data = tensor.data as Float32Array;
  let best = 0;
  for (let k = 1; k < data.length; k++) if ((data[k] as number) > (data[best] as number)) best = k;
  return best;
}

/** The numbers of the largest element and of the next. */
function topTwo(tensor: HostTensor): [number, number] {
  const best = argMax(tensor);
  let second = best === 0 ? 1 : 0;
  for (let k = 0; k < tensor.data.length; k++)
    if (k !== best && Number(tensor.data[k]) > Number(tensor.data[second])) second = k;
  return [best, second];
}

/** The share of all pairs of a lead and a loss where the lead is larger. */
function outlasting(leads: readonly number[], losses: readonly number[]): number {
  const ordered = [...losses].sort((a, b) => a - b);
  let pairs = 0;
  for (const lead of leads) {
    let [low, high] = [0, ordered.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ordered[middle] as number) < lead) low = middle + 1;
      else high = middle;
    }
    pairs += low;
  }
  return pairs / (leads.length * losses.length);
}

/** Cosine similarity; of two zero vectors 1. */
export function cosine(a: HostTensor, b: HostTensor): number {
  let dot = 0;
  let left = 0;
  let right = 0;
  for (let k = 0; k < a.data.length; k++) {
    // 64-bit integers are bigints.
    const [x, y] = [Number(a.data[k]), Number(b.data[k])];
    dot += x * y;
    left += x ** 2;
    right += y ** 2;
  }
  if (left === 0 && right === 0) return 1;
  return left === 0 || right === 0 ? 0 : dot / Math.sqrt(left * right);
}
