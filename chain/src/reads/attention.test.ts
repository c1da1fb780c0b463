import { attentionTestsAbi, parseAssertionId } from "@surety/protocol";
import { createWalletClient, http, toHex } from "viem";
import { expect, it, onTestFinished } from "vitest";
import { DEVNET_PARAMETERS, deploySurety } from "../deploy.ts";
import { openChain } from "../rpc/client.ts";
import { devAccount } from "../testing/accounts.ts";
import { startAnvil } from "../testing/anvil.ts";
import { attentionCommitment, isAskedToAttend } from "./attention.ts";

it("reckons who is asked and what it sends as the contract does, without telling anybody the secret", async () => {
  const anvil = await startAnvil();
  onTestFinished(() => anvil.stop());
  const chain = await openChain({ rpcUrl: anvil.url, pollMs: 20 });
  const wallet = createWalletClient({
    account: devAccount(0),
    transport: http(anvil.url),
    pollingInterval: 20,
  });
  const wei = 10n ** 15n;
  const { attention } = await deploySurety(wallet, chain.client, {
    ...DEVNET_PARAMETERS,
    attention: {
      ...{ watcherStakeWei: 20n * wei, rewardWei: 10n * wei, fineWei: 2n * wei, posterFineWei: 20n * wei },
      ...{ askedBps: 3_000, auditBps: 1_000, bountyBps: 5_000 },
      ...{ attentionBlocks: 10, revealSeconds: 5, leaveSeconds: 100_000 },
    },
  });
  const contract = { address: attention as `0x${string}`, abi: attentionTestsAbi } as const;
  let asked = 0;
  for (let i = 1; i <= 24; i++) {
    const args = [parseAssertionId(256 * i), devAccount(i % 10).address, toHex(i, { size: 32 })] as const;
    const isAsked = await chain.client.readContract({ ...contract, functionName: "isAsked", args });
    expect(isAskedToAttend(...args, 3_000)).toBe(isAsked);
    const commitment = await chain.client.readContract({ ...contract, functionName: "commitmentOf", args });
    expect(attentionCommitment(...args)).toBe(commitment);
    asked += Number(isAsked);
  }
  expect(asked).toBeGreaterThan(0);
  expect(asked).toBeLessThan(24);
});
