export type { DefenceMove } from "../../../oracle-node/src/defend/move.ts";
export { nextDefence } from "../../../oracle-node/src/defend/strategy.ts";
export { tamperTrace } from "../../../oracle-node/src/testing/liar.ts";
