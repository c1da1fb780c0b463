import type { FatalError } from "@surety/protocol";
import { floatsAttribute, type GraphNode, intsAttribute, stringsAttribute } from "../../onnx/graph.ts";

/**
 * An ensemble as tables over all its nodes, the trees one after another. A node goes to `whenLess` where its feature is less than the threshold, else to
 * `otherwise`; leaves go to themselves.
 */
export interface TreeTables {
  readonly feature: readonly number[];
  readonly threshold: readonly number[];
  readonly whenLess: readonly number[];
  readonly otherwise: readonly number[];
  /** The trees' first nodes. */
  readonly roots: readonly number[];
  /** Comparisons on the longest path. */
  readonly depth: number;
  /** Per node, the weight of each target it has a weight for. */
  readonly weights: readonly ReadonlyMap<number, number>[];
  /** Targets for which every input meets a weight. */
  readonly alwaysWeighted: ReadonlySet<number>;
  /** Targets that some leaf has a weight for. */
  readonly everWeighted: ReadonlySet<number>;
}

/** Deeper trees are refused: each level is a round of lookups. */
const MOST_LEVELS = 128;

/** Mutable while it is read. */
interface Draft {
  readonly feature: number[];
  readonly threshold: number[];
  readonly whenLess: number[];
  readonly otherwise: number[];
}

/**
 * Reads the attributes nodes_* and PREFIX_* of TreeEnsembleRegressor and TreeEnsembleClassifier (ai.onnx.ml 1 to 3). All modes become "less": x <= t is
 * x < the next number after t, greater ones swap their children, equality is two nodes. What missing_value_tracks_true says of NaN is not read: NaN is +0.
 *
 * @param prefix of the leaves' attributes: "target" or "class"
 * @param features how many there are
 * @param refuse the error for trees that are none
 */
export function readTrees(
  node: GraphNode,
  prefix: "target" | "class",
  targets: number,
  features: number,
  refuse: (why: string) => FatalError,
): TreeTables {
  for (const name of ["nodes_values_as_tensor", `${prefix}_weights_as_tensor`, "base_values_as_tensor"]) {
    if (node.attributes.has(name)) throw refuse(`${name} holds doubles`);
  }
  const ints = (name: string) => intsAttribute(node, name) ?? [];
  const modes = stringsAttribute(node, "nodes_modes") ?? [];
  const count = modes.length;
  const values = floatsAttribute(node, "nodes_values") ?? [];
  const [trees, ids, featureIds, trueIds, falseIds] = [
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_featureids",
    "nodes_truenodeids",
    "nodes_falsenodeids",
  ].map(ints) as [number[], number[], number[], number[], number[]];
  for (const list of [trees, ids, featureIds, trueIds, falseIds, values])
    if (list.length !== count) throw refuse("its lists of nodes differ in length");
  if (count === 0) throw refuse("it has no trees");

  const places = new Map<string, number>();
  const roots: number[] = [];
  for (let k = 0; k < count; k++) {
    const key = `${trees[k]}/${ids[k]}`;
    if (places.has(key)) throw refuse(`tree ${trees[k]} has two nodes ${ids[k]}`);
    places.set(key, k);
    if (k === 0 || trees[k] !== trees[k - 1]) roots.push(k);
  }
  if (new Set(trees).size !== roots.length) throw refuse("the nodes of a tree are not side by side");
  const placeOf = (tree: number | undefined, id: number | undefined) => {
    const place = places.get(`${tree}/${id}`);
    if (place === undefined) throw refuse(`tree ${tree} has no node ${id}`);
    return place;
  };

  const draft: Draft = { feature: [], threshold: [], whenLess: [], otherwise: [] };
  for (let k = 0; k < count; k++) set(draft, k, 0, Number.NEGATIVE_INFINITY, k, k);
  modes.forEach((mode, k) => {
    if (mode === "LEAF") return;
    const feature = featureIds[k] as number;
    if (!(feature >= 0 && feature < features)) throw refuse(`there is no feature ${feature}`);
    const [yes, no] = [placeOf(trees[k], trueIds[k]), placeOf(trees[k], falseIds[k])];
    branch(draft, k, mode, feature, Math.fround(values[k] as number), yes, no);
  });

  const weights = Array.from(draft.feature, () => new Map<number, number>());
  const [weightTrees, weightNodes, weightIds] = ["treeids", "nodeids", "ids"].map((name) =>
    ints(`${prefix}_${name}`),
  ) as [number[], number[], number[]];
  (floatsAttribute(node, `${prefix}_weights`) ?? []).forEach((weight, k) => {
    const target = weightIds[k] as number;
    if (!(target >= 0 && target < targets)) throw refuse(`there is no ${prefix} ${target}`);
    const own = weights[placeOf(weightTrees[k], weightNodes[k])] as Map<number, number>;
    if (own.has(target)) throw refuse(`a leaf has two weights for ${prefix} ${target}`);
    own.set(target, weight);
  });

  const every = new Set(weights.flatMap((own) => [...own.keys()]));
  const always = new Set<number>();
  let depth = 0;
  for (const root of roots) {
    const walk = walkTree(draft, root);
    if (walk === undefined) throw refuse(`a tree is a circle or more than ${MOST_LEVELS} deep`);
    depth = Math.max(depth, walk.depth);
    for (const target of every)
      if (walk.leaves.every((leaf) => weights[leaf]?.has(target))) always.add(target);
  }
  return { ...draft, roots, depth, weights, alwaysWeighted: always, everWeighted: every };
}

function set(draft: Draft, k: number, feature: number, threshold: number, less: number, not: number): void {
  draft.feature[k] = feature;
  draft.threshold[k] = threshold;
  draft.whenLess[k] = less;
  draft.otherwise[k] = not;
}

function branch(draft: Draft, k: number, mode: string, feature: number, t: number, yes: number, no: number) {
  switch (mode) {
    case "BRANCH_LT":
      return set(draft, k, feature, t, yes, no);
    case "BRANCH_GTE":
      // Nothing is less than NaN, nor greater.
      return set(draft, k, feature, t, no, Number.isNaN(t) ? no : yes);
    case "BRANCH_LEQ":
      if (t === Number.POSITIVE_INFINITY) return set(draft, k, feature, t, yes, yes);
      return set(draft, k, feature, nextFloat(t), yes, no);
    case "BRANCH_GT":
      if (t === Number.POSITIVE_INFINITY || Number.isNaN(t)) return set(draft, k, feature, t, no, no);
      return set(draft, k, feature, nextFloat(t), no, yes);
    case "BRANCH_EQ": {
      const upper = draft.feature.length;
      branch(draft, upper, "BRANCH_LEQ", feature, t, yes, no);
      return set(draft, k, feature, t, no, upper);
    }
    default:
      // onnxruntime takes every other word for BRANCH_NEQ.
      return branch(draft, k, "BRANCH_EQ", feature, t, no, yes);
  }
}

/** The next larger binary32 number; NaN stays. */
function nextFloat(value: number): number {
  if (Number.isNaN(value) || value === Number.POSITIVE_INFINITY) return value;
  const bits = new Int32Array(1);
  const float = new Float32Array(bits.buffer);
  float[0] = value === 0 ? 0 : value;
  bits[0] = (bits[0] as number) + (value < 0 ? -1 : 1);
  return float[0] as number;
}

/** Leaves and longest path from a root; undefined for what is no tree. */
function walkTree(draft: Draft, root: number): { leaves: number[]; depth: number } | undefined {
  const leaves = new Set<number>();
  let level = new Set([root]);
  for (let depth = 0; depth <= MOST_LEVELS; depth++) {
    const below = new Set<number>();
    for (const k of level) {
      const [less, not] = [draft.whenLess[k] as number, draft.otherwise[k] as number];
      if (less === k && not === k) leaves.add(k);
      else below.add(less).add(not);
    }
    if (below.size === 0) return { leaves: [...leaves], depth };
    level = below;
  }
  return undefined;
}
