import { describe, expect, test } from "vitest";
import { attributeOf } from "../../onnx/build.ts";
import type { Graph, GraphNode } from "../../onnx/graph.ts";
import { importModel } from "../../onnx/import.ts";
import type { HostTensor } from "../../onnx/tensor.ts";
import { compileAndCompare, randomTensor, smallModel } from "../../testing/compileSmall.ts";
import { dropIdentities } from "./dropIdentities.ts";
import { hideZeroSigns } from "./hideZeroSigns.ts";
import { mergeClips } from "./mergeClips.ts";
import { mergeDuplicates } from "./mergeDuplicates.ts";

const scalar = (value: number): HostTensor => ({ type: "f32", dims: [], data: Float32Array.of(value) });

function node(
  op: string,
  inputs: string[],
  output: string,
  attributes: Record<string, number> = {},
): GraphNode {
  return {
    name: output,
    op,
    domain: "",
    inputs,
    outputs: [output],
    attributes: new Map(Object.entries(attributes).map(([name, value]) => [name, attributeOf(value)])),
  };
}

/** A graph from x to y. */
function graphOf(nodes: readonly GraphNode[], constants: Record<string, HostTensor> = {}): Graph {
  return {
    opset: 21,
    nodes,
    initializers: new Map(Object.entries(constants)),
    inputs: [{ name: "x", type: "f32", dims: [4] }],
    outputs: [{ name: "y", type: "f32", dims: [4] }],
  };
}

const written = ({ nodes }: Graph) => nodes.map(({ op, inputs, outputs }) => `${outputs} = ${op}(${inputs})`);
const none = new Set<string>();

describe("mergeDuplicates", () => {
  test("merges nodes of the same inputs and constants of the same bytes, one after the other", () => {
    const nodes = [
      node("Add", ["x", "c"], "a"),
      node("Add", ["x", "d"], "b"),
      node("Mul", ["a", "a"], "m"),
      node("Mul", ["b", "a"], "n"),
      node("Add", ["m", "n"], "y"),
    ];
    const { graph, renamed } = mergeDuplicates(graphOf(nodes, { c: scalar(1), d: scalar(1), e: scalar(-0) }));
    expect(written(graph)).toEqual(["a = Add(x,c)", "m = Mul(a,a)", "y = Add(m,m)"]);
    expect(renamed.get("n")).toBe("m");
    expect([...graph.initializers.keys()]).toEqual(["c", "e"]);
  });

  test("keeps apart what differs in an attribute, a type, a shape or the sign of a zero, and what is an output", () => {
    const nodes = [
      node("Concat", ["x", "c"], "a", { axis: 0 }),
      node("Concat", ["x", "c"], "b", { axis: 1 }),
      node("Add", ["a", "b"], "s"),
      node("Add", ["a", "b"], "y"),
    ];
    const constants = {
      c: scalar(0),
      d: scalar(-0),
      e: { ...scalar(0), dims: [1] },
      f: { type: "i32", dims: [], data: Int32Array.of(0) } as const,
    };
    const { graph } = mergeDuplicates(graphOf(nodes, constants));
    expect(graph.nodes).toHaveLength(4);
    expect(graph.initializers.size).toBe(4);
  });
});

describe("dropIdentities", () => {
  test("gives an output's name to what makes it", () => {
    const nodes = [
      node("Add", ["x", "x"], "a"),
      node("Identity", ["a"], "b"),
      node("Identity", ["b"], "c"),
      node("Mul", ["c", "a"], "d"),
      node("Identity", ["d"], "y"),
    ];
    const { graph, renamed } = dropIdentities(graphOf(nodes));
    expect(written(graph)).toEqual(["a = Add(x,x)", "y = Mul(a,a)"]);
    expect(Object.fromEntries(renamed)).toEqual({ b: "a", c: "a", d: "y" });
  });

  test("leaves an input that is an output", () => {
    expect(dropIdentities(graphOf([node("Identity", ["x"], "y")])).graph.nodes).toHaveLength(1);
  });
});

describe("mergeClips", () => {
  const constants = { low: scalar(-1), high: scalar(2) };
  const either = [node("Min", ["high", "x"], "a"), node("Max", ["a", "low"], "y")];

  test("joins two bounds, in either order", () => {
    expect(written(mergeClips(graphOf(either, constants), none).graph)).toEqual(["y = Clip(x,low,high)"]);
  });

  test("leaves bounds that cross, and a tensor of a trace", () => {
    const crossed = graphOf(either, { low: scalar(3), high: scalar(2) });
    expect(mergeClips(crossed, none).graph.nodes).toHaveLength(2);
    expect(mergeClips(graphOf(either, constants), new Set(["a"])).graph.nodes).toHaveLength(2);
  });
});

describe("hideZeroSigns", () => {
  const constants = { zero: scalar(0), one: scalar(1), point: { ...scalar(0), type: "u8" } as HostTensor };
  const before = (last: GraphNode) =>
    graphOf([node("Max", ["x", "zero"], "m"), node("Add", ["m", "zero"], "p"), last], constants);

  test("drops +0 before a rounding, through a product", () => {
    const graph = graphOf(
      [
        node("Max", ["x", "zero"], "m"),
        node("Add", ["m", "zero"], "p"),
        node("Mul", ["x", "p"], "q"),
        node("QuantizeLinear", ["q", "one", "point"], "y"),
      ],
      constants,
    );
    expect(written(hideZeroSigns(graph, none).graph)).toEqual([
      "m = Max(x,zero)",
      "q = Mul(x,m)",
      "y = QuantizeLinear(q,one,point)",
    ]);
  });

  test("keeps it in an output, in a divisor and in a tensor of a trace", () => {
    expect(hideZeroSigns(before(node("Mul", ["p", "one"], "y")), none).graph.nodes).toHaveLength(3);
    expect(hideZeroSigns(before(node("Div", ["one", "p"], "y")), none).graph.nodes).toHaveLength(3);
    const rounded = before(node("QuantizeLinear", ["p", "one", "point"], "y"));
    expect(hideZeroSigns(rounded, none).graph.nodes).toHaveLength(2);
    expect(hideZeroSigns(rounded, new Set(["p"])).graph.nodes).toHaveLength(3);
  });
});

test("a hard swish between convolutions is a Clip and no addition of zero, and every tensor stays what it was", async () => {
  const { model, specs } = smallModel(13, { x: [1, 3, 9, 8] }, { y: [1, 4, 9, 8] }, (m, random) => {
    m.initializer("w1", randomTensor(random, [4, 3, 1, 1])).initializer(
      "w2",
      randomTensor(random, [4, 4, 1, 1]),
    );
    m.initializer("three", randomTensor(random, [], 3, 3)).initializer("six", randomTensor(random, [], 6, 6));
    m.initializer("zero", randomTensor(random, [], 0, 0));
    m.node("Conv", ["x", "w1"], ["a"]).node("Add", ["a", "three"], ["b"]);
    m.node("Clip", ["b", "zero", "six"], ["c"])
      .node("Mul", ["a", "c"], ["d"])
      .node("Div", ["d", "six"], ["e"]);
    m.node("Conv", ["e", "w2"], ["y"]);
  });
  const bundle = await compileAndCompare(model, specs);
  const ops = importModel(bundle.graph).nodes.map(({ op }) => op);
  expect(ops.filter((op) => op === "Clip")).toHaveLength(1);
  expect(ops.filter((op) => op === "Add")).toHaveLength(1);
  expect(ops).not.toContain("Max");
});
