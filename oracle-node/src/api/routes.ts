import type { ActRoute, ReadRoute, Schema } from "@surety/service";
import type { Drain } from "../drain/drain.ts";

const text: Schema = { type: "string" };
const flag: Schema = { type: "boolean" };
const count: Schema = { type: "integer" };
const object = (properties: Readonly<Record<string, Schema>>): Schema => ({ type: "object", properties });
const listOf = (properties: Readonly<Record<string, Schema>>): Schema => ({
  type: "array",
  items: object(properties),
});

const STATUS = object({
  operator: text,
  chainId: count,
  stake: object({ stakeWei: text, lockedWei: text, unbondingWei: text, jailed: flag }),
  models: listOf({ modelId: text, serving: flag }),
  openRequests: listOf({ requestId: text, modelId: text }),
  openAssertions: listOf({ assertionId: text, requestId: text }),
  openGames: listOf({ gameId: text, assertionId: text }),
});
const DRAIN = object({ draining: flag, drained: flag, openAssertions: count, openGames: count });

/** The node's own part of its API. */
export function nodeRoutes(
  status: () => Promise<object>,
  drain: Drain,
): { readonly "/v1/status": ReadRoute; readonly "/v1/drain": readonly (ReadRoute | ActRoute)[] } {
  return {
    "/v1/status": { summary: "Operator, stake, models, and what is open.", response: STATUS, read: status },
    "/v1/drain": [
      { summary: "Whether the node drains, and whether it is drained.", response: DRAIN, read: drain.state },
      {
        method: "POST",
        summary:
          "Answer nothing new; go on defending and finishing. With `stop` the process ends with 0 once nothing is open.",
        request: { type: "object", properties: { stop: flag }, additionalProperties: false },
        response: DRAIN,
        act({ stop }) {
          drain.start(stop === true);
          return drain.state();
        },
      },
      {
        method: "DELETE",
        summary: "Take up work again.",
        response: DRAIN,
        act() {
          drain.cancel();
          return drain.state();
        },
      },
    ],
  };
}
