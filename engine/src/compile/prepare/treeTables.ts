import type { FatalError } from "@surety/protocol";

/** A node of an ensemble's trees, the leaves among them. */
export type TreeNode =
  | {
      readonly kind: "branch";
      readonly mode: BranchMode;
      readonly feature: number;
      /** What the feature is compared with: one number, of BRANCH_MEMBER one or more. */
      readonly values: readonly number[];
      /** Numbers of nodes. */
      readonly yes: number;
      readonly no: number;
      /** Whether a missing feature (NaN) goes to `yes`. */
      readonly missingIsYes: boolean;
    }
  | { readonly kind: "leaf"; readonly weights: ReadonlyMap<number, number> };

export const BRANCH_MODES = [
  "BRANCH_LEQ",
  "BRANCH_LT",
  "BRANCH_GTE",
  "BRANCH_GT",
  "BRANCH_EQ",
  "BRANCH_NEQ",
  "BRANCH_MEMBER",
] as const;
export type BranchMode = (typeof BRANCH_MODES)[number];

/** What an ensemble says, whichever op and version it was written for. */
export interface Ensemble {
  readonly nodes: readonly TreeNode[];
  /** Numbers of the trees' first nodes. */
  readonly roots: readonly number[];
}

/** How a column of the features that trees look at is made of a feature. */
export const COLUMNS = ["missing is high", "missing is low", "is missing"] as const;
export type Column = (typeof COLUMNS)[number];

/**
 * An ensemble as tables over all its nodes, the trees one after another. A node goes to `whenLess` where its column is less than the threshold, else to
 * `otherwise`; leaves go to themselves. What is missing is infinity or minus infinity in the column, whichever goes the right way.
 */
export interface TreeTables {
  readonly feature: readonly number[];
  readonly column: readonly Column[];
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

/** Mutable while it is made. */
interface Draft {
  readonly feature: number[];
  readonly column: Column[];
  readonly threshold: number[];
  readonly whenLess: number[];
  readonly otherwise: number[];
}

/**
 * All modes become "less": x <= t is x < the next number after t, greater ones swap their children, equality is two nodes, membership as many
 * equalities as there are members.
 *
 * @param refuse the error for trees that are none
 */
export function treeTables({ nodes, roots }: Ensemble, refuse: (why: string) => FatalError): TreeTables {
  const draft: Draft = { feature: [], column: [], threshold: [], whenLess: [], otherwise: [] };
  nodes.forEach((_, k) => {
    set(draft, k, 0, "missing is high", Number.NEGATIVE_INFINITY, k, k);
  });
  for (const [k, node] of nodes.entries()) {
    if (node.kind === "leaf") continue;
    const { mode, feature, values, yes, no } = node;
    // Of a NaN onnxruntime says that it is unequal.
    const goesToYes = node.missingIsYes || mode === "BRANCH_NEQ";
    if (mode !== "BRANCH_MEMBER") {
      const ways = { feature, yes, no, missing: goesToYes ? yes : no };
      branch(draft, k, mode, ways, Math.fround(values[0] as number));
      continue;
    }
    let at = k;
    for (const [index, value] of values.entries()) {
      const next = index === values.length - 1 ? no : grow(draft);
      const ways = { feature, yes, no: next, missing: goesToYes ? yes : next };
      branch(draft, at, "BRANCH_EQ", ways, Math.fround(value));
      at = next;
    }
  }

  const weights = draft.feature.map((_, k) => {
    const node = nodes[k];
    return node?.kind === "leaf" ? node.weights : new Map<number, number>();
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

function set(
  draft: Draft,
  k: number,
  feature: number,
  column: Column,
  threshold: number,
  less: number,
  not: number,
): void {
  draft.feature[k] = feature;
  draft.column[k] = column;
  draft.threshold[k] = threshold;
  draft.whenLess[k] = less;
  draft.otherwise[k] = not;
}

/** Room for one more node. */
function grow(draft: Draft): number {
  const k = draft.feature.length;
  set(draft, k, 0, "missing is high", Number.NEGATIVE_INFINITY, k, k);
  return k;
}

interface Ways {
  readonly feature: number;
  readonly yes: number;
  readonly no: number;
  readonly missing: number;
}

function branch(
  draft: Draft,
  k: number,
  mode: Exclude<BranchMode, "BRANCH_MEMBER">,
  ways: Ways,
  t: number,
): void {
  const { feature, yes, no, missing } = ways;
  if (!Number.isFinite(t)) {
    // No number is beyond infinity to stand for what is missing.
    const present = grow(draft);
    set(draft, k, feature, "is missing", 0.5, present, missing);
    compare(draft, present, mode, { ...ways, missing: no }, t);
  } else compare(draft, k, mode, { feature, yes, no, missing }, t);
}

function compare(
  draft: Draft,
  k: number,
  mode: Exclude<BranchMode, "BRANCH_MEMBER">,
  { feature, yes, no, missing }: Ways,
  t: number,
): void {
  const less = (threshold: number, whenLess: number, otherwise: number, at = k) =>
    set(
      draft,
      at,
      feature,
      missing === otherwise ? "missing is high" : "missing is low",
      threshold,
      whenLess,
      otherwise,
    );
  switch (mode) {
    case "BRANCH_LT":
      less(t, yes, no);
      break;
    case "BRANCH_GTE":
      // Nothing is less than NaN, nor greater.
      less(t, no, Number.isNaN(t) ? no : yes);
      break;
    case "BRANCH_LEQ":
      if (t === Number.POSITIVE_INFINITY) less(t, yes, yes);
      else less(nextFloat(t), yes, no);
      break;
    case "BRANCH_GT":
      if (t === Number.POSITIVE_INFINITY || Number.isNaN(t)) less(t, no, no);
      else less(nextFloat(t), no, yes);
      break;
    case "BRANCH_EQ": {
      const upper = grow(draft);
      compare(draft, upper, "BRANCH_LEQ", { feature, yes, no, missing }, t);
      set(draft, k, feature, "missing is high", t, no, upper);
      break;
    }
    case "BRANCH_NEQ":
      compare(draft, k, "BRANCH_EQ", { feature, yes: no, no: yes, missing }, t);
      break;
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
