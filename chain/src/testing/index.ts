export * from "./accounts.ts";
export * from "./anvil.ts";
export { testClient } from "./emitter.ts";
export * from "./rpc-proxy.ts";
