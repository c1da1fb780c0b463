import { operatorRegistryAbi } from "@surety/protocol";
import {
  type Address,
  concat,
  createTestClient,
  encodeAbiParameters,
  encodeEventTopics,
  http,
  type TestClient,
} from "viem";
import type { SuretyAddresses } from "../addresses.ts";
import type { ContractCall } from "../calls/call.ts";

/** Addresses of a deployment that does not exist, for tests of what is below the contracts. */
export const EMITTER_ADDRESSES: SuretyAddresses = {
  registry: "0x0000000000000000000000000000000000001001",
  operators: "0x0000000000000000000000000000000000001002",
  oracle: "0x0000000000000000000000000000000000001003",
  game: "0x0000000000000000000000000000000000001004",
};

/** Emits its calldata as a log: two topics and a word of data. */
const EMITTER_CODE = "0x6020604060003760203560003560206000a200";

/** Anvil's own methods: mining, reorgs, automine. */
export function testClient(url: string): TestClient<"anvil"> {
  return createTestClient({ mode: "anvil", transport: http(url) });
}

/** Puts a contract that emits whatever it is told at the operator registry's place. */
export async function installEmitter(url: string): Promise<void> {
  await testClient(url).setCode({ address: EMITTER_ADDRESSES.operators, bytecode: EMITTER_CODE });
}

/** A call that makes the emitter emit `Unlocked(operator, amountWei)`. */
export function emitUnlocked(operator: Address, amountWei: bigint): ContractCall {
  const topics = encodeEventTopics({ abi: operatorRegistryAbi, eventName: "Unlocked", args: { operator } });
  const data = encodeAbiParameters([{ type: "uint256" }], [amountWei]);
  return {
    what: "emitter.emit",
    to: EMITTER_ADDRESSES.operators,
    data: concat([...(topics as `0x${string}`[]), data]),
    valueWei: 0n,
  };
}
