import type { TransactionReceipt } from "viem";
import type { CallParameters } from "../support/surety.ts";

/** Something that may be done, the error that it must be refused with, and what the ghost makes of it when it is accepted. */
export interface Action {
  readonly name: string;
  readonly call: Omit<CallParameters, "time">;
  /** Undefined: it must be accepted. */
  readonly expected: string | undefined;
  readonly apply: (receipt: TransactionReceipt) => void;
}
