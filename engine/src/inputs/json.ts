import { UsageError } from "@surety/protocol";
import { ELEMENT_TYPES, type ElementType, elementCount, type HostTensor } from "../onnx/tensor.ts";

const DTYPE_NAMES: ReadonlyMap<string, ElementType> = new Map(
  (Object.keys(ELEMENT_TYPES) as ElementType[]).flatMap((type) => [
    [type, type],
    [ELEMENT_TYPES[type].ort, type],
  ]),
);

/**
 * Reads `{"name": {"dtype": "float32" | "f32" | ..., "shape": [...], "data": [...]}}`; data flat or nested. A list of such objects is
 * several samples.
 *
 * @throws UsageError INPUT_MALFORMED, INPUT_DTYPE
 */
export function readJson(text: string, what: string): ReadonlyMap<string, HostTensor>[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UsageError("INPUT_MALFORMED", `${what} is not JSON: ${(cause as Error).message}`, { cause });
  }
  return (Array.isArray(value) ? value : [value]).map((sample: unknown) => {
    if (typeof sample !== "object" || sample === null) {
      throw new UsageError(
        "INPUT_MALFORMED",
        `${what} is not an object of {"name": {"dtype", "shape", "data"}}.`,
      );
    }
    return new Map(
      Object.entries(sample).map(([name, entry]) => [name, readEntry(entry, `"${name}" of ${what}`)]),
    );
  });
}

function readEntry(entry: unknown, what: string): HostTensor {
  const { dtype, shape, data } = (entry ?? {}) as { dtype?: unknown; shape?: unknown; data?: unknown };
  const type = DTYPE_NAMES.get(String(dtype));
  if (!type)
    throw new UsageError(
      "INPUT_DTYPE",
      `${what} has the dtype ${JSON.stringify(dtype)}; write for example "float32".`,
    );
  if (!Array.isArray(shape) || !Array.isArray(data))
    throw new UsageError("INPUT_MALFORMED", `${what} needs the lists "shape" and "data".`);
  const dims = shape.map(Number);
  const count = elementCount(dims, what);
  const values = data.flat(Number.POSITIVE_INFINITY) as unknown[];
  if (values.length !== count)
    throw new UsageError(
      "INPUT_MALFORMED",
      `${what}, [${dims}], needs ${count} numbers and has ${values.length}.`,
    );
  const bad = values.find((value) => typeof value !== "number" && typeof value !== "boolean");
  if (bad !== undefined)
    throw new UsageError("INPUT_MALFORMED", `${what} holds ${JSON.stringify(bad)}, which is no number.`);
  if (type === "i64" || type === "u64") {
    if (!values.every(Number.isSafeInteger))
      throw new UsageError("INPUT_MALFORMED", `${what} holds a number that is no exact integer.`);
    const array = ELEMENT_TYPES[type].array as typeof BigInt64Array;
    return { type, dims, data: array.from(values as number[], (value) => BigInt(value)) };
  }
  return {
    type,
    dims,
    data: (ELEMENT_TYPES[type].array as typeof Float32Array).from(values as number[], Number),
  };
}
