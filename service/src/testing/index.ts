export * from "./scene.ts";
export * from "./until.ts";
