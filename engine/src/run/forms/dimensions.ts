import { encodeGraph } from "../../onnx/encodeGraph.ts";
import type { Graph } from "../../onnx/graph.ts";
import { ELEMENT_TYPES, elementCount, type HostTensor, type TensorData } from "../../onnx/tensor.ts";
import { createRawSession, runSession } from "../rawSession.ts";

/** Dimensions of all values, from a run on zeros that gives nothing but shapes. */
export async function dimensions(graph: Graph): Promise<Map<string, readonly number[]>> {
  const known = new Map([...graph.initializers].map(([name, { dims }]) => [name, dims]));
  for (const { name, dims } of graph.inputs) known.set(name, (dims ?? []) as number[]);
  const computed = graph.nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== ""));
  const shapeName = (index: number) => `surety.shape.${index}`;
  const shapes = computed.map((name, index) => ({
    name: shapeName(index),
    op: "Shape",
    domain: "",
    inputs: [name],
    outputs: [shapeName(index)],
    attributes: new Map(),
  }));
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, type }): [string, HostTensor] => {
      const dims = known.get(name) ?? [];
      const data = new ELEMENT_TYPES[type].array(elementCount(dims, `Input "${name}"`)) as TensorData;
      return [name, { type, dims, data }];
    }),
  );
  const model = encodeGraph(
    { ...graph, nodes: [...graph.nodes, ...shapes] },
    shapes.map(({ name }) => name),
  );
  const session = await createRawSession(model, { intraOpNumThreads: 1 });
  try {
    const results = await runSession(session, feeds);
    for (const [index, name] of computed.entries())
      known.set(
        name,
        Array.from((results[shapeName(index)] as HostTensor).data as Iterable<number | bigint>, Number),
      );
    return known;
  } finally {
    await session.release();
  }
}
