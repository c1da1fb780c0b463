export * from "./commit/index.ts";
export * from "./program/index.ts";
export * from "./referee/index.ts";
