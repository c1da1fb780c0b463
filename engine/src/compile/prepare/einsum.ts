import { stringAttribute } from "../../onnx/graph.ts";
import { i64Tensor } from "../../onnx/tensor.ts";
import { product } from "../view.ts";
import type { Rewrite, RewriteContext } from "./rewrite.ts";

/**
 * Einsum of one or two operands, each letter once in an operand: sums over letters of one operand that the result does not have, then a MatMul over batches
 * of the letters that both operands have.
 */
export const einsum: Rewrite = (node, context) => {
  const equation = stringAttribute(node, "equation", "").replaceAll(" ", "");
  const [left = "", given] = equation.split("->");
  const terms = left.split(",");
  if (!/^[A-Za-z,]+(->[A-Za-z]*)?$/.test(equation) || terms.length !== node.inputs.length || terms.length > 2)
    throw context.unsupported(`its equation is "${equation}"; one or two operands of letters are supported`);
  if ([...terms, given ?? ""].some((term) => new Set(term).size !== term.length))
    throw context.unsupported(`its equation "${equation}" has a letter twice in one operand`);
  const counts = Map.groupBy(left.replaceAll(",", ""), (letter) => letter);
  const single = [...counts].flatMap(([letter, all]) => (all.length === 1 ? [letter] : [])).sort();
  const result = given ?? single.join("");

  const sizes = new Map<string, number>();
  const operands = terms.map((term, k) => {
    const name = node.inputs[k] ?? "";
    const { type, dims } = context.typeOf(name);
    if (type !== "f32") throw context.unsupported(`it multiplies ${type}`);
    [...term].forEach((letter, axis) => {
      const size = dims[axis] as number;
      if ((sizes.get(letter) ?? size) !== size) throw context.unsupported(`"${letter}" has two sizes`);
      sizes.set(letter, size);
    });
    const others = result + terms.filter((_, other) => other !== k).join("");
    return summed(context, name, term, others);
  });
  const sizesOf = (letters: string) => [...letters].map((letter) => sizes.get(letter) as number);
  const [a, b] = operands as [Operand, Operand | undefined];
  let whole = a;
  if (b) {
    const both = [...a.letters].filter((letter) => b.letters.includes(letter));
    const batch = both.filter((letter) => result.includes(letter)).join("");
    const over = both.filter((letter) => !result.includes(letter)).join("");
    const only = (own: Operand) => [...own.letters].filter((letter) => !both.includes(letter)).join("");
    const [rows, columns] = [only(a), only(b)];
    const group = (own: Operand, first: string, second: string) =>
      reshaped(context, arranged(context, own, batch + first + second), [
        ...sizesOf(batch),
        product(sizesOf(first)),
        product(sizesOf(second)),
      ]);
    const multiplied = context.node("MatMul", [group(a, rows, over), group(b, over, columns)]);
    const letters = batch + rows + columns;
    whole = { name: reshaped(context, multiplied, sizesOf(letters)), letters };
  }
  context.nodeTo(node.outputs, "Identity", [arranged(context, whole, result)]);
  return true;
};

interface Operand {
  readonly name: string;
  readonly letters: string;
}

/** The operand summed over letters that nothing else has. */
function summed(context: RewriteContext, name: string, letters: string, others: string): Operand {
  const axes = [...letters].flatMap((letter, axis) => (others.includes(letter) ? [] : [axis]));
  if (axes.length === 0) return { name, letters };
  const over = context.addConstant("axes", i64Tensor(axes));
  return {
    name: context.node("ReduceSum", [name, over], { keepdims: 0 }),
    letters: [...letters].filter((_, axis) => !axes.includes(axis)).join(""),
  };
}

function arranged(context: RewriteContext, { name, letters }: Operand, order: string): string {
  if (letters === order) return name;
  return context.node("Transpose", [name], { perm: [...order].map((letter) => letters.indexOf(letter)) });
}

function reshaped(context: RewriteContext, name: string, dims: readonly number[]): string {
  return context.node("Reshape", [name, context.addConstant("shape", i64Tensor([...dims]))]);
}
