import { type Address, encodeFunctionData } from "viem";
import { type RequestOptions, requestOf, type Scenario } from "./scenario.ts";
import { type At, assigneeOf, type CallParameters, eventOf, type Revert } from "./surety.ts";

/** `HostileConsumer.Behaviour`, by its numbers. */
export const BEHAVIOUR = {
  accept: 0,
  revert: 1,
  burnGas: 2,
  returnMuch: 3,
  revertMuch: 4,
  reenter: 5,
  needGas: 6,
} as const;

export interface HostileConsumer extends At {
  behave(how: keyof typeof BEHAVIOUR): Promise<unknown>;
  /** Calls back into a contract with this data whenever it is called back. */
  reenterWith(to: At, call: string, args?: readonly unknown[]): Promise<unknown>;
  /** A call of the consumer's that does this one; who sends it pays. */
  asConsumer(call: CallParameters): CallParameters;
  /** Calls the oracle as the consumer. */
  execute(call: string, args: readonly unknown[], valueWei?: bigint): ReturnType<Scenario["surety"]["send"]>;
  /** A call of the oracle as the consumer that must revert; gives the error. */
  refused(call: string, args: readonly unknown[], valueWei?: bigint): Promise<Revert>;
  /** Asks for an answer; gives the request's number and who is to answer. */
  ask(options?: RequestOptions): Promise<{ requestId: bigint; assignee: Address }>;
  read<Result>(name: string): Promise<Result>;
}

/** Deploys a consumer that behaves as it is told to. */
export async function hostileConsumer(scenario: Scenario): Promise<HostileConsumer> {
  const { surety } = scenario;
  const { stranger: from } = scenario.actors;
  const consumer = await surety.deploy("test-harness/HostileConsumer.sol");
  const asConsumer = ({ to, call, args = [], ...rest }: CallParameters): CallParameters => {
    const data = encodeFunctionData({ abi: to.abi, functionName: call, args });
    return { ...rest, to: consumer, call: "execute", args: [to.address, data] };
  };
  const execute = (call: string, args: readonly unknown[], valueWei = 0n) =>
    surety.send(asConsumer({ from, to: surety.oracle, call, args, valueWei }));
  return {
    ...consumer,
    behave: (how) => surety.send({ from, to: consumer, call: "behave", args: [BEHAVIOUR[how]] }),
    reenterWith: (to, call, args = []) => {
      const data = encodeFunctionData({ abi: to.abi, functionName: call, args });
      return surety.send({ from, to: consumer, call: "reenterWith", args: [to.address, data] });
    },
    asConsumer,
    execute,
    refused: (call, args, valueWei = 0n) =>
      surety.refused(asConsumer({ from, to: surety.oracle, call, args, valueWei })),
    async ask(options = {}) {
      const request = await requestOf(surety, scenario.model, scenario.input, options);
      const feeWei = scenario.feeOf(options.callbackGas, options.delivery);
      const receipt = await execute("requestInference", [request], options.valueWei ?? feeWei);
      const requestId = eventOf(receipt, "Requested").requestId as bigint;
      return { requestId, assignee: await assigneeOf(surety, requestId) };
    },
    read: (name) => surety.read(consumer, name),
  };
}
