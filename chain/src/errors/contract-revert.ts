import { FatalError, SuretyError, suretyErrorsAbi } from "@surety/protocol";
import { BaseError, decodeErrorResult, type Hex } from "viem";

/** The name of a custom error of the contracts. */
export type ContractErrorName = (typeof suretyErrorsAbi)[number]["name"];

/**
 * A contract refused a call. The same call in the same state never succeeds; which error it was tells what would have to change.
 *
 * @example
 * if (isRevert(error, "GamesOpen")) return; // not final yet
 */
export class ContractRevertError extends FatalError {
  /** The Solidity error's name, `Error` for a plain reason, `Panic`, or `Unknown`. */
  readonly errorName: ContractErrorName | "Error" | "Panic" | "Unknown";
  readonly args: readonly unknown[];

  constructor(
    what: string,
    errorName: ContractRevertError["errorName"],
    args: readonly unknown[],
    cause?: unknown,
  ) {
    const shown = args.map((arg) => (typeof arg === "string" ? arg : String(arg))).join(", ");
    super("CONTRACT_REVERTED", `${what} was refused: ${errorName}(${shown}).`, { cause });
    this.errorName = errorName;
    this.args = args;
  }
}

/** True when the error is a revert, with one of the given names if any are given. */
export function isRevert(
  error: unknown,
  ...names: readonly ContractErrorName[]
): error is ContractRevertError {
  if (!(error instanceof ContractRevertError)) return false;
  return names.length === 0 || (names as readonly string[]).includes(error.errorName);
}

/** What a revert's return data says. */
export function revertError(what: string, data: Hex, cause?: unknown): ContractRevertError {
  try {
    const { errorName, args } = decodeErrorResult({ abi: suretyErrorsAbi, data });
    return new ContractRevertError(what, errorName as ContractRevertError["errorName"], args ?? [], cause);
  } catch {
    return new ContractRevertError(what, "Unknown", [data], cause);
  }
}

/** Turns what viem throws for a reverted call into a `ContractRevertError`; any other error comes back unchanged. */
export function toContractError(what: string, error: unknown): unknown {
  if (error instanceof SuretyError || !(error instanceof BaseError)) return error;
  const data = revertData(error);
  if (data !== undefined) return revertError(what, data, error);
  const text = error.walk((inner) => /execution reverted|revert/i.test((inner as Error).message));
  return text !== null && /revert/i.test(error.details ?? "")
    ? new ContractRevertError(what, "Unknown", [error.details], error)
    : error;
}

/** The revert data somewhere in an error's chain of causes. */
function revertData(error: BaseError): Hex | undefined {
  let data: Hex | undefined;
  error.walk((inner) => {
    const found = hexIn((inner as { raw?: unknown }).raw) ?? hexIn((inner as { data?: unknown }).data);
    data ??= found;
    return found !== undefined;
  });
  return data;
}

function hexIn(value: unknown): Hex | undefined {
  if (typeof value === "string" && /^0x([0-9a-f]{2})*$/i.test(value)) return value as Hex;
  if (typeof value === "object" && value !== null && "data" in value) return hexIn(value.data);
  return undefined;
}
