import type { GameId } from "@surety/protocol";
import type { Address } from "viem";
import type { Observation } from "../check/observe.ts";

/** Somebody who plays against the honest. It lives in this process: it is the services that are disturbed. */
export interface Adversary {
  readonly name: string;
  readonly address: Address;
  /** Does what is next. May fail, for whatever it looked at may be gone; it is called again. */
  act(seen: Observation): Promise<void>;
  /** Whether it will never move in this game again. */
  hasGivenUp(gameId: GameId): boolean;
  /** When all is over. */
  leave(): Promise<void>;
}
