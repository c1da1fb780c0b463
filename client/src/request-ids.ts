import { decodeLogs, type SuretyAddresses } from "@surety/chain";
import { parseRequestId, type RequestId } from "@surety/protocol";
import type { Log, RpcLog } from "viem";

/**
 * The requests that a transaction made, in order: a contract's too, which cannot hand them to whoever called it.
 *
 * @example
 * const [requestId] = requestIdsIn(addresses, receipt.logs);
 */
export function requestIdsIn(addresses: SuretyAddresses, logs: readonly (Log | RpcLog)[]): RequestId[] {
  return decodeLogs(addresses, logs).flatMap((log) =>
    log.contract === "oracle" &&
    (log.eventName === "Requested" ||
      log.eventName === "RequestedByReference" ||
      log.eventName === "BatchRequested")
      ? [parseRequestId(log.args.requestId)]
      : [],
  );
}
