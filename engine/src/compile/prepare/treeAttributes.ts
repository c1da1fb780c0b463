/** Reads the attributes of the tree ops of ai.onnx.ml: those of versions 1 to 3, and TreeEnsemble of version 5. */
import type { FatalError } from "@surety/protocol";
import {
  floatsAttribute,
  type GraphNode,
  intsAttribute,
  stringsAttribute,
  tensorAttribute,
} from "../../onnx/graph.ts";
import { BRANCH_MODES, type BranchMode, type Ensemble, type TreeNode } from "./treeTables.ts";

type Refuse = (why: string) => FatalError;

/**
 * The attributes nodes_* and PREFIX_* of TreeEnsembleRegressor and TreeEnsembleClassifier.
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
  refuse: Refuse,
): Ensemble {
  for (const name of ["nodes_values_as_tensor", `${prefix}_weights_as_tensor`, "base_values_as_tensor"]) {
    if (node.attributes.has(name)) throw refuse(`${name} holds doubles`);
  }
  const ints = (name: string) => intsAttribute(node, name) ?? [];
  const modes = stringsAttribute(node, "nodes_modes") ?? [];
  const count = modes.length;
  const values = floatsAttribute(node, "nodes_values") ?? [];
  const missing = intsAttribute(node, "nodes_missing_value_tracks_true") ?? modes.map(() => 0);
  const [trees, ids, featureIds, trueIds, falseIds] = [
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_featureids",
    "nodes_truenodeids",
    "nodes_falsenodeids",
  ].map(ints) as [number[], number[], number[], number[], number[]];
  for (const list of [trees, ids, featureIds, trueIds, falseIds, values, missing])
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

  const weights = modes.map(() => new Map<number, number>());
  const [weightTrees, weightNodes, weightIds] = ["treeids", "nodeids", "ids"].map((name) =>
    ints(`${prefix}_${name}`),
  ) as [number[], number[], number[]];
  (floatsAttribute(node, `${prefix}_weights`) ?? []).forEach((weight, k) => {
    const target = requireTarget(weightIds[k], targets, refuse);
    const own = weights[placeOf(weightTrees[k], weightNodes[k])] as Map<number, number>;
    if (own.has(target)) throw refuse(`a leaf has two weights for ${prefix} ${target}`);
    own.set(target, weight);
  });
  const nodes = modes.map((mode, k): TreeNode => {
    if (mode === "LEAF") return { kind: "leaf", weights: weights[k] as Map<number, number> };
    return {
      kind: "branch",
      // onnxruntime takes every other word for BRANCH_NEQ.
      mode: BRANCH_MODES.find((known) => known === mode && mode !== "BRANCH_MEMBER") ?? "BRANCH_NEQ",
      feature: requireFeature(featureIds[k], features, refuse),
      values: [values[k] as number],
      yes: placeOf(trees[k], trueIds[k]),
      no: placeOf(trees[k], falseIds[k]),
      missingIsYes: missing[k] !== 0,
    };
  });
  return { nodes, roots };
}

/**
 * The attributes of TreeEnsemble (version 5): branches and leaves are counted apart, here the leaves come after the branches.
 *
 * @param features how many there are
 * @param refuse the error for trees that are none
 */
export function readTrees5(node: GraphNode, targets: number, features: number, refuse: Refuse): Ensemble {
  const floats = (name: string) => {
    const tensor = tensorAttribute(node, name);
    if (tensor && tensor.type !== "f32") throw refuse(`${name} is ${tensor.type}; only f32 is supported`);
    return tensor && Array.from(tensor.data as Float32Array);
  };
  const ints = (name: string) => intsAttribute(node, name) ?? [];
  const [featureIds, trueIds, falseIds, trueLeafs, falseLeafs] = [
    "nodes_featureids",
    "nodes_truenodeids",
    "nodes_falsenodeids",
    "nodes_trueleafs",
    "nodes_falseleafs",
  ].map(ints) as [number[], number[], number[], number[], number[]];
  const splits = floats("nodes_splits") ?? [];
  const modes = Array.from(tensorAttribute(node, "nodes_modes")?.data ?? [], Number);
  const count = modes.length;
  const missing = intsAttribute(node, "nodes_missing_value_tracks_true") ?? modes.map(() => 0);
  for (const list of [featureIds, trueIds, falseIds, trueLeafs, falseLeafs, splits, missing])
    if (list.length !== count) throw refuse("its lists of nodes differ in length");
  const leafTargets = ints("leaf_targetids");
  const leafWeights = floats("leaf_weights") ?? [];
  if (leafTargets.length !== leafWeights.length) throw refuse("its lists of leaves differ in length");
  const roots = ints("tree_roots");
  if (roots.length === 0) throw refuse("it has no trees");
  if (roots.some((root) => !(root >= 0 && root < count))) throw refuse("a root is no node");

  const members = membersOf(floats("membership_values") ?? []);
  const placeOf = (id: number | undefined, isLeaf: number | undefined) => {
    if (id === undefined || !(id >= 0 && id < (isLeaf ? leafWeights.length : count)))
      throw refuse(`there is no ${isLeaf ? "leaf" : "node"} ${id}`);
    return isLeaf ? count + id : id;
  };
  const branches = modes.map((code, k): TreeNode => {
    const mode: BranchMode | undefined = BRANCH_MODES[code];
    if (mode === undefined) throw refuse(`a node has the mode ${code}`);
    const values = mode === "BRANCH_MEMBER" ? members.shift() : [splits[k] as number];
    if (values === undefined || values.length === 0) throw refuse("a node has no members");
    return {
      kind: "branch",
      mode,
      feature: requireFeature(featureIds[k], features, refuse),
      values,
      yes: placeOf(trueIds[k], trueLeafs[k]),
      no: placeOf(falseIds[k], falseLeafs[k]),
      missingIsYes: missing[k] !== 0,
    };
  });
  const leaves = leafWeights.map((weight, k): TreeNode => {
    const target = requireTarget(leafTargets[k], targets, refuse);
    return { kind: "leaf", weights: new Map([[target, weight]]) };
  });
  return { nodes: [...branches, ...leaves], roots };
}

/** The sets of the nodes of BRANCH_MEMBER in order: a NaN ends each. */
function membersOf(values: readonly number[]): number[][] {
  const sets: number[][] = [];
  let own: number[] = [];
  for (const value of values) {
    if (!Number.isNaN(value)) own.push(value);
    else {
      sets.push(own);
      own = [];
    }
  }
  if (own.length > 0) sets.push(own);
  return sets;
}

function requireFeature(feature: number | undefined, features: number, refuse: Refuse): number {
  if (feature !== undefined && feature >= 0 && feature < features) return feature;
  throw refuse(`there is no feature ${feature}`);
}

function requireTarget(target: number | undefined, targets: number, refuse: Refuse): number {
  if (target !== undefined && target >= 0 && target < targets) return target;
  throw refuse(`there is no target ${target}`);
}
