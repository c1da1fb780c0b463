export type { Delivery, RequestStatus, RequestView, SuretyAddresses } from "@surety/chain";
export { FatalError, type ModelId, parseModelId, parseRequestId, type RequestId } from "@surety/protocol";
export * from "./actions/prove-item.ts";
export * from "./actions/request-batch.ts";
export * from "./actions/request-inference.ts";
export * from "./actions/wait-for-result.ts";
export * from "./actions/watch-disputes.ts";
export * from "./request-ids.ts";
export * from "./surety-actions.ts";
