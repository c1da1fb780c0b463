export * from "./dispute/index.ts";
export type { ChallengerOptions } from "./options/options.ts";
export { readOptions } from "./options/read-options.ts";
export * from "./service/start-challenger.ts";
