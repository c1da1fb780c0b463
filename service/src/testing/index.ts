export * from "./scene.ts";
export * from "./start-signer.ts";
export * from "./until.ts";
