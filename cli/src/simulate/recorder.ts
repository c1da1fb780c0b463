import type { ContractCall, SuretyLog } from "@surety/chain";
import type { Revealed } from "@surety/challenger/dispute";
import { type Address, hexToBytes } from "viem";
import { logsOf } from "./evm.ts";
import type { SimulatedTransaction } from "./result.ts";
import type { Scene } from "./scene.ts";

/** Sends a dispute's transactions and keeps what they cost and what they revealed. */
export function createRecorder({ evm, addresses, poster }: Scene) {
  const transcript: SimulatedTransaction[] = [];
  const logs: SuretyLog[] = [];
  return {
    transcript,
    logs,
    async send(from: Address, call: ContractCall): Promise<void> {
      const sent = await evm.send(from, call);
      logs.push(...logsOf(addresses, sent));
      transcript.push({
        by: from === poster ? "poster" : "challenger",
        move: call.what.replace(/^.*\./, ""),
        gas: sent.gas,
        calldataBytes: sent.calldataBytes,
        transaction: sent.receipt.transactionHash,
      });
    },
    revealed: (): Revealed[] => logs.flatMap(toRevealed),
  };
}

function toRevealed(log: SuretyLog): Revealed[] {
  if (log.eventName === "NodeRevealed") {
    const { inTensor, instruction, height, position, children } = log.args;
    const tensor = inTensor ? instruction : undefined;
    return [{ kind: "nodes", instruction: tensor, place: { height, position }, children }];
  }
  if (log.eventName === "BytesRevealed") {
    const { instruction, height, position, data } = log.args;
    return [{ kind: "bytes", instruction, place: { height, position }, data: hexToBytes(data) }];
  }
  return [];
}
