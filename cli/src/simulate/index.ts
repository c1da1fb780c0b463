export * from "./describe.ts";
export type { SimulatedTransaction, Simulation } from "./result.ts";
export * from "./simulate-dispute.ts";
export * from "./simulator.ts";
export type { Tamper } from "./tamper.ts";
