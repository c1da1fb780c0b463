export { runOracleNode } from "./bin/run-oracle-node.ts";
export { type RunningOracleNode, startOracleNode } from "./bin/start-oracle-node.ts";
export { defenceCall } from "./defend/defend.ts";
export type { DefenceMove, DefenceWait } from "./defend/move.ts";
export { nextDefence } from "./defend/strategy.ts";
export type { OracleNodeOptions } from "./options/options.ts";
export { NODE_PROGRAM } from "./options/read-options.ts";
export { type FaultOptions, parseFaultTarget } from "./testing/fault-plan.ts";
export { type FaultTarget, type LiarModel, tamperTrace } from "./testing/liar.ts";
