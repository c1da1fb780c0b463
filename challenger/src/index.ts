export * from "./dispute/evaluate-run.ts";
export * from "./dispute/move.ts";
export * from "./dispute/own-run.ts";
export * from "./dispute/revealed.ts";
export * from "./dispute/strategy.ts";
export * from "./dispute/to-call.ts";
export type { ChallengerOptions } from "./options/options.ts";
export { readOptions } from "./options/read-options.ts";
export * from "./service/start-challenger.ts";
