export { defenceCall } from "../defend/defend.ts";
export type { DefenceMove, DefenceWait } from "../defend/move.ts";
export { nextDefence } from "../defend/strategy.ts";
export { type FaultTarget, type LiarModel, tamperTrace } from "./liar.ts";
