import { EventEmitter } from "node:events";
import { type RpcProxy, startRpcProxy } from "@surety/chain/testing";
import { disputeGameAbi, operatorRegistryAbi, suretyOracleAbi } from "@surety/protocol";
import { decodeFunctionData, type Hex, parseTransaction } from "viem";
import type { Stage } from "../schedule/schedule.ts";

const ABI = [...suretyOracleAbi, ...disputeGameAbi, ...operatorRegistryAbi];

/** What begins with a transaction of a function. */
const STAGE_OF: Readonly<Record<string, Stage>> = {
  ...{
    post: "post",
    postByReference: "post",
    open: "open",
    finalise: "finalise",
    finaliseByReference: "finalise",
  },
  ...{ commitTrace: "move", reveal: "move", revealBytes: "move", select: "move", selectTensor: "move" },
  ...{ step: "move", claimTimeout: "move", closeVoid: "move" },
};

/** An answer that a service signed, whether it was ever mined or not. */
export interface SignedPost {
  readonly service: string;
  readonly question: Hex;
  readonly output: Hex;
}

/** Told of what services send. */
export class Wire extends EventEmitter<{ sent: [service: string, stage: Stage] }> {
  readonly posts: SignedPost[] = [];
}

/** A service's way to the chain: can be disturbed, and tells of every transaction before it is passed on. */
export function tapRpc(target: string, service: string, wire: Wire): Promise<RpcProxy> {
  return startRpcProxy(target, ({ method, params = [] }) => {
    if (method !== "eth_sendRawTransaction") return;
    const { data = "0x" } = parseTransaction(params[0] as Hex);
    const { functionName, args } = decodeFunctionData({ abi: ABI, data });
    const stage = STAGE_OF[functionName];
    if (functionName === "post") {
      const [, question, output] = args as unknown as readonly [bigint, Hex, Hex];
      wire.posts.push({ service, question, output });
    }
    if (stage !== undefined) wire.emit("sent", service, stage);
  });
}
