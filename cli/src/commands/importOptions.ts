import {
  ELEMENT_TYPES,
  type HostTensor,
  type ImportOptions,
  importModel,
  type TensorData,
} from "@surety/engine";
import { UsageError } from "@surety/protocol";
import type { Command } from "commander";

/** What `--dim` and `--fix` gave. */
export interface ShapeOptions {
  readonly dim: readonly string[];
  readonly fix: readonly string[];
}

const collect = (value: string, previous: string[]): string[] => [...previous, value];

/** Adds the options that settle what a model leaves open. */
export function addShapeOptions(command: Command): Command {
  return command
    .option(
      "--dim <name=size>",
      "size of a symbolic dimension, or of one input's as input.axis (image.2=224); may be given again",
      collect,
      [],
    )
    .option(
      "--fix <input=numbers>",
      "make an input a constant: the shapes and counts some models take as inputs (shape=1,-1); may be given again",
      collect,
      [],
    );
}

/** @throws UsageError OPTION_INVALID for what is no assignment, or names no input */
export function importOptionsOf(model: Uint8Array, { dim, fix }: ShapeOptions): ImportOptions {
  const dims = Object.fromEntries(
    dim.map((text) => {
      const [name, value] = assignment("--dim", text);
      const size = Number(value);
      if (!Number.isSafeInteger(size) || size < 1)
        throw new UsageError("OPTION_INVALID", `--dim ${text}: ${value} is no size.`);
      return [name, size];
    }),
  );
  if (fix.length === 0) return { dims };
  const { inputs } = importModel(model);
  const fixed = Object.fromEntries(
    fix.map((text): [string, HostTensor] => {
      const [name, value] = assignment("--fix", text);
      const input = inputs.find((each) => each.name === name);
      if (!input) {
        const names = inputs.map((each) => `"${each.name}"`).join(", ");
        throw new UsageError("OPTION_INVALID", `--fix ${text}: the model's inputs are ${names}.`);
      }
      const numbers = value === "" ? [] : value.split(",").map(Number);
      if (numbers.some(Number.isNaN))
        throw new UsageError("OPTION_INVALID", `--fix ${text}: write numbers with commas between them.`);
      const { array } = ELEMENT_TYPES[input.type];
      const data = new array(numbers.length) as TensorData;
      for (const [k, number] of numbers.entries()) {
        data[k] =
          data instanceof BigInt64Array || data instanceof BigUint64Array
            ? BigInt(Math.trunc(number))
            : number;
      }
      return [name, { type: input.type, dims: shapeOf(input.dims, numbers.length), data }];
    }),
  );
  return { dims, fixed };
}

/** The declared shape where it is known and holds as many numbers, else a list. */
function shapeOf(declared: readonly (number | string)[] | undefined, count: number): number[] {
  const sizes = declared?.filter((size) => typeof size === "number") ?? [];
  const isKnown = declared !== undefined && sizes.length === declared.length;
  return isKnown && sizes.reduce((product, size) => product * size, 1) === count ? sizes : [count];
}

function assignment(option: string, text: string): [string, string] {
  const at = text.lastIndexOf("=");
  if (at < 1) throw new UsageError("OPTION_INVALID", `${option} ${text}: write name=value.`);
  return [text.slice(0, at), text.slice(at + 1)];
}
