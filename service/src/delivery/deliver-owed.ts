import {
  type Chain,
  deliverRevocation,
  isRevert,
  requestOf,
  retryDelivery,
  type SuretyAddresses,
  type TransactionManager,
} from "@surety/chain";
import type { RequestId } from "@surety/protocol";

/** `refused`: the consumer failed once more. */
export type Delivered = "nothing" | "revoked" | "delivered" | "refused";

export interface DeliverOwedParameters {
  readonly chain: Chain;
  readonly addresses: SuretyAddresses;
  readonly send: TransactionManager["send"];
  readonly requestId: RequestId;
  /** The answer that stands, for a callback that is owed; undefined where it is not known: then only a revocation is delivered. */
  readonly output: Uint8Array | undefined;
}

/**
 * Tells a consumer what it is owed, at the caller's gas: first that a provisional answer was refuted, then the answer that stands.
 *
 * @throws what sending throws, but for what another has done meanwhile
 */
export async function deliverOwed(parameters: DeliverOwedParameters): Promise<Delivered> {
  const { chain, addresses, send, requestId, output } = parameters;
  let did: Delivered = "nothing";
  try {
    if ((await requestOf(chain, addresses, requestId)).revocationDue) {
      await send(deliverRevocation(addresses, requestId));
      if ((await requestOf(chain, addresses, requestId)).revocationDue) return "refused";
      did = "revoked";
    }
    if (output === undefined || !(await requestOf(chain, addresses, requestId)).callbackOwed) return did;
    await send(retryDelivery(addresses, requestId, output));
    return (await requestOf(chain, addresses, requestId)).callbackOwed ? "refused" : "delivered";
  } catch (error) {
    // Another was faster, or the answer was refuted meanwhile.
    if (
      isRevert(error, "NothingToRetry", "NothingToRevoke", "RevocationDue", "OutputMismatch", "WrongStatus")
    )
      return did;
    throw error;
  }
}
