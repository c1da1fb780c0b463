export * from "./byReference.ts";
export * from "./errors.ts";
export * from "./game/index.ts";
export * from "./generated/abis.ts";
export * from "./generated/bytecode.ts";
export * from "./ids.ts";
export * from "./modelHeader.ts";
export * from "./question.ts";
export { siblingModule } from "./sibling-module.ts";
