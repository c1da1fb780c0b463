export * from "./case.ts";
export * from "./elementwise.ts";
export * from "./floats.ts";
export * from "./integers.ts";
export * from "./products.ts";
export * from "./quantisation.ts";
export * from "./reductions.ts";
