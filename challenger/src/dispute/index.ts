/** The pure part of the challenger: what it computes and which move it makes. No chain, no files. */
export * from "./evaluate-run.ts";
export * from "./move.ts";
export * from "./own-run.ts";
export * from "./revealed.ts";
export * from "./strategy.ts";
export * from "./to-call.ts";
