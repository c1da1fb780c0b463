import { FatalError } from "@surety/protocol";
import type { InputSample } from "../inputs/readInputs.ts";
import type { Graph } from "../onnx/graph.ts";
import type { ElementType, HostTensor } from "../onnx/tensor.ts";
import { FloatRun } from "./floatRun.ts";
import type { ValueStatistics } from "./quantisation.ts";

const BINS = 2048;

/**
 * Runs the float model over the samples and records the range and the distribution of every value; none is kept for longer than the run needs it.
 *
 * @param onPass told how many passes over samples are done, of two each
 * @throws FatalError COMPILE_CALIBRATION without samples, or when shapes differ between samples; ONNX_REFUSED, ONNX_RUN
 */
export async function calibrate(
  graph: Graph,
  samples: readonly InputSample[],
  onPass: (done: number, total: number) => void = () => {},
): Promise<ReadonlyMap<string, ValueStatistics>> {
  if (samples.length === 0) {
    throw new FatalError("COMPILE_CALIBRATION", "The calibration set is empty; give at least one sample.");
  }
  const run = new FloatRun(graph);
  let passes = 0;
  try {
    const ranges = new Map<string, Range>();
    for (const sample of samples) {
      await visitValues(run, sample, (name, tensor) => widen(ranges, name, tensor));
      onPass(++passes, 2 * samples.length);
    }
    const statistics = new Map<string, ValueStatistics>();
    for (const [name, { type, dims, min, max }] of ranges) {
      const spread = Number.isFinite(max - min) && max > min;
      statistics.set(name, {
        type,
        dims,
        min,
        max,
        histogram: new Float64Array(spread ? BINS : 0),
        channelMeans: new Float64Array(dims[1] ?? 1),
        lastMeans: new Float64Array(dims.at(-1) ?? 1),
      });
    }
    for (const sample of samples) {
      await visitValues(run, sample, (name, tensor) => count(statistics.get(name), tensor));
      onPass(++passes, 2 * samples.length);
    }
    for (const { dims, channelMeans, lastMeans } of statistics.values()) {
      const elements = dims.reduce((count, size) => count * size, samples.length);
      for (const sums of [channelMeans, lastMeans]) {
        for (let k = 0; k < sums.length; k++) sums[k] = (sums[k] as number) * (sums.length / elements);
      }
    }
    return statistics;
  } finally {
    await run.release();
  }
}

async function visitValues(
  run: FloatRun,
  sample: InputSample,
  visit: (name: string, tensor: HostTensor) => void,
): Promise<void> {
  for (const [name, tensor] of Object.entries(sample)) visit(name, tensor);
  try {
    await run.run(sample, visit);
  } catch (cause) {
    if (cause instanceof FatalError) throw cause;
    const reason = (cause as Error).message.split("\n")[0];
    throw new FatalError("ONNX_RUN", `The float model fails on a calibration sample: ${reason}`, { cause });
  }
}

interface Range {
  readonly type: ElementType;
  readonly dims: readonly number[];
  min: number;
  max: number;
}

function widen(ranges: Map<string, Range>, name: string, tensor: HostTensor): void {
  const range = ranges.get(name) ?? {
    type: tensor.type,
    dims: tensor.dims,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
  };
  if (range.dims.join() !== tensor.dims.join()) {
    throw new FatalError(
      "COMPILE_CALIBRATION",
      `"${name}" is [${range.dims}] for one sample and [${tensor.dims}] for another; shapes must be fixed.`,
    );
  }
  if (tensor.data.length === 0) {
    throw new FatalError(
      "MODEL_UNSUPPORTED",
      `"${name}" has the shape [${tensor.dims}], which holds no elements.`,
    );
  }
  if (tensor.type === "f32") {
    let { min, max } = range;
    for (const value of tensor.data as Float32Array) {
      if (value < min) min = value;
      if (value > max) max = value;
      if (Number.isNaN(value)) min = max = Number.NaN;
    }
    range.min = min;
    range.max = max;
  }
  ranges.set(name, range);
}

function count(statistics: ValueStatistics | undefined, tensor: HostTensor): void {
  if (!statistics || tensor.type !== "f32") return;
  const { min, max, histogram, channelMeans, lastMeans, dims } = statistics;
  const data = tensor.data as Float32Array;
  const perUnit = histogram.length / (max - min);
  const last = lastMeans.length;
  const channels = channelMeans.length;
  const inner = dims.slice(2).reduce((product, size) => product * size, 1);
  for (let start = 0, row = 0; start < data.length; start += inner, row++) {
    let sum = 0;
    for (let at = start; at < start + inner; at++) {
      const value = data[at] as number;
      // Zeros are exact under every choice, and after Relu they would drown the rest.
      if (value === 0) continue;
      sum += value;
      lastMeans[at % last] = (lastMeans[at % last] as number) + value;
      if (histogram.length === 0) continue;
      const bin = Math.min(histogram.length - 1, Math.floor((value - min) * perUnit));
      histogram[bin] = (histogram[bin] as number) + 1;
    }
    channelMeans[row % channels] = (channelMeans[row % channels] as number) + sum;
  }
}
