/** What runs inside a model's thread. */
export * from "./open-models.ts";
export * from "./recent.ts";
export * from "./serve-tasks.ts";
