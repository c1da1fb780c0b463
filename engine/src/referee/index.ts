export * from "./element-reader.ts";
export * from "./evaluate-element.ts";
export * from "./evaluate-tensor.ts";
export * from "./touched-elements.ts";
