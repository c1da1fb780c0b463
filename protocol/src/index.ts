export * from "./errors.ts";
export * from "./game/index.ts";
export * from "./ids.ts";
