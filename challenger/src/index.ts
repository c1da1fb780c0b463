export * from "./dispute/index.ts";
export { doctor } from "./doctor/doctor.ts";
export type { ChallengerOptions } from "./options/options.ts";
export { CHALLENGER_PROGRAM } from "./options/read-options.ts";
export { runChallenger } from "./service/run-challenger.ts";
export * from "./service/start-challenger.ts";
