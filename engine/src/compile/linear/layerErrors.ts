import type { InputSample } from "../../inputs/readInputs.ts";
import { withoutDeadNodes } from "../../onnx/deadNodes.ts";
import { encodeGraph } from "../../onnx/encodeGraph.ts";
import type { Graph, GraphNode } from "../../onnx/graph.ts";
import type { HostTensor } from "../../onnx/tensor.ts";
import { createSession, runSession } from "../../run/onnxruntime.ts";
import { lowerModel } from "../lowerModel.ts";
import type { ValueStatistics } from "../quantisation.ts";
import type { Rung } from "./rung.ts";

/** What one layer alone does to the model's outputs when everything else stays float. */
export interface LayerError {
  /** The first output of its node, by which rungs name it. */
  readonly layer: string;
  readonly node: string;
  readonly op: string;
  /** Noise to signal at the output where it is largest, as a ratio of powers, on rungs 0 to 3. */
  readonly errors: readonly [number, number, number, number];
}

/** Rung 4 is not tried: what it leaves is too little to measure so. */
const TRIED = [0, 1, 2, 3] as const;

const LINEAR = new Set(["Conv", "Gemm", "MatMul"]);

/** The layers of a prepared graph that have rungs. */
export function linearLayers(graph: Graph): GraphNode[] {
  return graph.nodes.filter((node) => node.domain === "" && LINEAR.has(node.op));
}

/**
 * Measures every layer by itself: it is lowered alone and run on the float model's values, and what it gives is put back into the float model in place of
 * the layer. Errors of different layers hardly depend on each other, so they add up to about the whole model's.
 *
 * @param graph prepared
 * @param samples a few; each costs a run of the model per layer and rung
 */
export async function measureLayers(
  graph: Graph,
  statistics: ReadonlyMap<string, ValueStatistics>,
  samples: readonly InputSample[],
): Promise<LayerError[]> {
  const layers = linearLayers(graph);
  const samplesValues = await floatValues(graph, samples, layers);
  const measured: LayerError[] = [];
  for (const node of layers) {
    const [layer = ""] = node.outputs;
    const rest = await openRest(graph, node, statistics);
    const errors: [number, number, number, number] = [0, 0, 0, 0];
    for (const rung of TRIED) {
      const alone = await createSession(aloneGraph(graph, node, statistics, rung), { intraOpNumThreads: 1 });
      for (const known of samplesValues) {
        const replaced = (await runSession(alone, pick(known, alone.inputNames)))[layer] as HostTensor;
        const values = { ...known, [layer]: replaced };
        const outputs = rest ? await runSession(rest, pick(values, rest.inputNames)) : {};
        for (const { name } of graph.outputs) {
          const output = (outputs[name] ?? values[name]) as HostTensor;
          errors[rung] = Math.max(errors[rung], noiseToSignal(output, known[name] as HostTensor));
        }
      }
      await alone.release();
    }
    await rest?.release();
    measured.push({ layer, node: node.name, op: node.op, errors });
  }
  return measured;
}

/** Per sample: the inputs, the outputs, and what the layers read. */
async function floatValues(
  graph: Graph,
  samples: readonly InputSample[],
  layers: readonly GraphNode[],
): Promise<InputSample[]> {
  const computed = new Set(graph.nodes.flatMap((node) => node.outputs));
  const wanted = new Set([
    ...layers.flatMap((node) => node.inputs),
    ...graph.outputs.map(({ name }) => name),
  ]);
  const session = await createSession(
    encodeGraph(
      graph,
      [...wanted].filter((name) => computed.has(name)),
    ),
    {
      intraOpNumThreads: 1,
    },
  );
  const values: InputSample[] = [];
  for (const sample of samples) values.push({ ...sample, ...(await runSession(session, sample)) });
  await session.release();
  return values;
}

/** The exact graph of one node, its inputs and output f32. */
function aloneGraph(
  graph: Graph,
  node: GraphNode,
  statistics: ReadonlyMap<string, ValueStatistics>,
  rung: Rung,
): Uint8Array {
  const [layer = ""] = node.outputs;
  const computed = [...new Set(node.inputs)].filter((name) => name !== "" && !graph.initializers.has(name));
  const initializers = new Map([...graph.initializers].filter(([name]) => node.inputs.includes(name)));
  const value = (name: string) => ({ name, type: "f32" as const, dims: statistics.get(name)?.dims });
  const alone: Graph = {
    ...graph,
    nodes: [node],
    initializers,
    inputs: computed.map(value),
    outputs: [value(layer)],
  };
  return lowerModel(alone, statistics, new Map([[layer, rung]])).graph;
}

/** The float model after a layer, whose output is an input of it; undefined where nothing comes after. */
async function openRest(graph: Graph, node: GraphNode, statistics: ReadonlyMap<string, ValueStatistics>) {
  const [layer = ""] = node.outputs;
  const outputs = graph.outputs.filter(({ name }) => name !== layer);
  if (outputs.length === 0) return undefined;
  const nodes = graph.nodes.filter((other) => other !== node);
  const inputs = [...graph.inputs, { name: layer, type: "f32" as const, dims: statistics.get(layer)?.dims }];
  const rest = withoutDeadNodes({ ...graph, nodes, inputs, outputs });
  const read = new Set(rest.nodes.flatMap((each) => each.inputs));
  const needed = { ...rest, inputs: inputs.filter(({ name }) => read.has(name)) };
  return createSession(encodeGraph(needed), { intraOpNumThreads: 1 });
}

function pick(values: InputSample, names: readonly string[]): InputSample {
  return Object.fromEntries(names.map((name) => [name, values[name] as HostTensor]));
}

/** Power of the difference over power of what it should be. */
export function noiseToSignal(actual: HostTensor, expected: HostTensor): number {
  let [noise, signal] = [0, 0];
  for (let k = 0; k < expected.data.length; k++) {
    const [x, y] = [Number(actual.data[k]), Number(expected.data[k])];
    noise += (x - y) ** 2;
    signal += y ** 2;
  }
  return noise === 0 ? 0 : noise / Math.max(signal, 1e-30);
}
