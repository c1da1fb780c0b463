import type { ModelHeader } from "./modelHeader.ts";

/**
 * Most bytes of all inputs, and of all outputs, that surely fit into a transaction; equals the registry's `MAX_INPUT_BYTES` and
 * `MAX_OUTPUT_BYTES`.
 */
export const MAX_CALLDATA_BYTES = 240 * 1024;
/** Most bytes of the text that says where something is to be had; equals the contracts' `MAX_URI_BYTES`. */
export const MAX_URI_BYTES = 2_048;

const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);

/** Whether a model's inputs are so large that they are given by their root. */
export function takesInputsByReference({ inputBytes }: Pick<ModelHeader, "inputBytes">): boolean {
  return sum(inputBytes) > MAX_CALLDATA_BYTES;
}

/** Whether a model's outputs are so large that they are posted by their root, and pulled. */
export function givesOutputsByReference({ outputs }: Pick<ModelHeader, "outputs">): boolean {
  return sum(outputs.map(({ bytes }) => bytes)) > MAX_CALLDATA_BYTES;
}
