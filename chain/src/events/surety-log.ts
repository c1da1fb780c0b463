import {
  attentionTestsAbi,
  disputeGameAbi,
  modelRegistryAbi,
  operatorRegistryAbi,
  suretyOracleAbi,
} from "@surety/protocol";
import { type Abi, type Log, type ParseEventLogsReturnType, parseEventLogs, type RpcLog } from "viem";
import { type ContractName, contractEntries, type SuretyAddresses } from "../addresses.ts";

const ABIS = {
  registry: modelRegistryAbi,
  operators: operatorRegistryAbi,
  oracle: suretyOracleAbi,
  game: disputeGameAbi,
  attention: attentionTestsAbi,
} as const satisfies Record<ContractName, Abi>;

/** Distributes over the union, so that the event's name narrows its arguments. */
type LogOf<Name extends ContractName, Parsed> = Parsed extends {
  eventName: infer EventName;
  args: infer Args;
}
  ? LogPlace & { readonly contract: Name; readonly eventName: EventName; readonly args: Args }
  : never;

interface LogPlace {
  readonly blockNumber: bigint;
  readonly blockHash: `0x${string}`;
  readonly transactionHash: `0x${string}`;
  readonly logIndex: number;
}

type ParsedLog<A extends Abi> = ParseEventLogsReturnType<A, undefined, true>[number];

/** One event of one of the contracts, decoded; `contract` and `eventName` narrow `args`. */
export type SuretyLog = { [Name in ContractName]: LogOf<Name, ParsedLog<(typeof ABIS)[Name]>> }[ContractName];

/** Decodes the logs that the deployment's contracts emitted, in order; others are left out. */
export function decodeLogs(addresses: SuretyAddresses, logs: readonly (Log | RpcLog)[]): SuretyLog[] {
  const names = new Map(contractEntries(addresses).map(([name, address]) => [address.toLowerCase(), name]));
  return logs.flatMap((log) => {
    const contract = names.get(log.address.toLowerCase());
    if (contract === undefined) return [];
    return parseEventLogs({ abi: ABIS[contract] as Abi, logs: [log as Log] }).map(
      ({ eventName, args, blockNumber, blockHash, transactionHash, logIndex }) =>
        ({
          contract,
          eventName,
          args,
          blockNumber,
          blockHash,
          transactionHash,
          logIndex,
        }) as unknown as SuretyLog,
    );
  });
}

/** The first event of that name; for what a transaction's receipt must contain. */
export function findLog<
  Name extends ContractName,
  EventName extends (SuretyLog & { contract: Name })["eventName"],
>(
  logs: readonly SuretyLog[],
  contract: Name,
  eventName: EventName,
): Extract<SuretyLog, { contract: Name; eventName: EventName }> | undefined {
  return logs.find((log) => log.contract === contract && log.eventName === eventName) as
    | Extract<SuretyLog, { contract: Name; eventName: EventName }>
    | undefined;
}
