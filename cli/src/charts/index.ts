export * from "./layers.ts";
export * from "./svg.ts";
