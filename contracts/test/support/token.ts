import { type Address, getAddress } from "viem";
import type { FeeToken } from "../../../chain/src/deploy.ts";
import { type Network, readArtifact } from "./network.ts";
import type { At, CallParameters, Surety } from "./surety.ts";

/** `HostileToken.Behaviour`, by its numbers. */
const TOKEN_BEHAVIOUR = {
  honest: 0,
  revert: 1,
  returnFalse: 2,
  moveNothing: 3,
  feeOnTransfer: 4,
  shrinkingBalance: 5,
  reenter: 6,
  returnNothing: 7,
} as const;

export const TOKEN_PRICES = { baseFee: 3_000_000n, callbackGasPrice: 7n };

/** Parameters with as many tokens that fees may be paid in. */
export const withFeeTokens =
  (count: number, rest: object = {}) =>
  async (network: Network) => {
    const feeTokens: FeeToken[] = [];
    for (let i = 0; i < count; i++) {
      const { address } = await network.deploy("test-harness/HostileToken.sol");
      feeTokens.push({ token: getAddress(address), ...TOKEN_PRICES });
    }
    return { ...rest, feeTokens };
  };

/** A fee token of a deployment, and what tests do with it. */
export function tokenOf(surety: Surety, index = 0) {
  const at: At = {
    address: surety.parameters.feeTokens[index]?.token as Address,
    abi: readArtifact("test-harness/HostileToken.sol").abi,
  };
  const from = surety.deployer;
  const send = (call: string, ...args: unknown[]) => surety.send({ from, to: at, call, args });
  return {
    ...at,
    behave: (how: keyof typeof TOKEN_BEHAVIOUR) => send("behave", TOKEN_BEHAVIOUR[how]),
    reenterWith: (to: Address, data: string) => send("reenterWith", to, data),
    block: (account: Address, blocked: boolean) => send("block_", account, blocked),
    mint: (account: Address, amount: bigint) => send("mint", account, amount),
    /** The approval that lets the oracle take an amount. */
    approval: (owner: Address, amount: bigint): CallParameters => ({
      from: owner,
      to: at,
      call: "approve",
      args: [surety.addresses.oracle, amount],
    }),
    balanceOf: (account: Address) => surety.read<bigint>(at, "balanceOf", [account]),
    creditOf: (account: Address) =>
      surety.read<bigint>(surety.oracle, "tokenCreditOf", [at.address, account]),
    read: <Result>(name: string) => surety.read<Result>(at, name),
  };
}
