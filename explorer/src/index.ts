export * from "./data/views.ts";
export * from "./server/serve-explorer.ts";
