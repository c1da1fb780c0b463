import { devAccount } from "@surety/chain/testing";
import { inputsRoot, toHex } from "@surety/engine";
import { type Address, type Hex, isAddressEqual } from "viem";
import { beforeEach, describe, expect, it } from "vitest";
import { type DelegatedTerms, delegatedRequestTypedData } from "../../../chain/src/sign/delegated-request.ts";
import { type RequestOptions, requestOf, smallInput, smallModel, useSurety } from "../support/scenario.ts";
import { eventOf, eventsOf, ZERO_ADDRESS, ZERO_HASH } from "../support/surety.ts";
import { TOKEN_PRICES, tokenOf, withFeeTokens } from "../support/token.ts";

const URI = "https://inputs.example.org/1";

describe("SuretyOracle: requests by signature", () => {
  const scenario = useSurety(smallModel, smallInput, withFeeTokens(1));
  /** Signs; the development account of the tests' requester. */
  let signer!: ReturnType<typeof devAccount>;
  let relayer!: Address;
  const inputRoot = toHex(inputsRoot([smallInput]));
  beforeEach(() => {
    const { requester, stranger } = scenario.actors;
    relayer = stranger;
    signer = Array.from({ length: 10 }, (_, i) => devAccount(i)).find(({ address }) =>
      isAddressEqual(address, requester),
    ) as typeof signer;
  });

  interface Changes {
    readonly requester?: Address;
    readonly options?: RequestOptions;
    readonly delegation?: Partial<DelegatedTerms>;
    readonly byReference?: boolean;
    /** Of what is signed alone. */
    readonly signed?: Partial<{ inputRoot: Hex; uri: string; byReference: boolean }>;
    readonly signedTerms?: Partial<{ callbackGas: number; valueAtRiskWei: bigint }>;
    readonly domain?: { readonly chainId?: number; readonly oracle?: Address };
  }
  /** The call that a relayer sends for what was signed. */
  const delegated = async (changes: Changes = {}) => {
    const { surety } = scenario;
    const byReference = changes.byReference ?? false;
    const input = byReference ? new Uint8Array() : smallInput;
    const request = await requestOf(surety, smallModel, input, changes.options);
    const delegation = {
      requester: changes.requester ?? signer.address,
      nonce: 7n,
      validUntil: (await surety.now()) + 100,
      maxFee: scenario.feeOf(),
      ...changes.delegation,
    };
    const typed = delegatedRequestTypedData({
      chainId: changes.domain?.chainId ?? surety.network.chain.id,
      oracle: changes.domain?.oracle ?? surety.addresses.oracle,
      request: { ...request, ...changes.signedTerms },
      inputRoot,
      byReference,
      uri: byReference ? URI : "",
      delegation,
      ...changes.signed,
    });
    const signature = await signer.signTypedData(typed as never);
    return {
      from: relayer,
      to: surety.oracle,
      call: byReference ? "requestInferenceByReferenceFor" : "requestInferenceFor",
      args: byReference ? [request, inputRoot, URI, delegation, signature] : [request, delegation, signature],
      valueWei: changes.options?.feeToken === undefined ? scenario.feeOf() : 0n,
    };
  };
  const isUsed = (nonce: bigint) =>
    scenario.surety.read<boolean>(scenario.surety.oracle, "isNonceUsed", [signer.address, nonce]);

  it("are the signer's, and paid by who sends them, who gets the excess back", async () => {
    const { surety } = scenario;
    const before = await surety.balance(signer.address);
    const call = await delegated();
    const receipt = await surety.send({ ...call, valueWei: call.valueWei + 3n });
    const { requestId } = eventOf(receipt, "Requested") as { requestId: bigint };
    expect(eventsOf(receipt)).toMatchObject([
      { name: "Credited", args: { account: relayer, amountWei: 3n } },
      { name: "Requested", args: { requester: signer.address, input: toHex(smallInput) } },
      { name: "Delegated", args: { requestId, relayer, nonce: 7n } },
    ]);
    expect(await surety.read(surety.oracle, "requestOf", [requestId])).toMatchObject({
      requester: signer.address,
      inputRoot,
    });
    expect(await surety.balance(signer.address)).toBe(before);
    // The refund is the signer's.
    const refund = { from: relayer, to: surety.oracle, call: "refund", args: [requestId] };
    await surety.send({ ...refund, time: (await surety.now()) + 10_001 });
    expect(await surety.read(surety.oracle, "creditOf", [signer.address])).toBe(scenario.feeOf());
  });

  it("go to the oracle: its extension takes no request, and no money, by its own address", async () => {
    const { surety } = scenario;
    const extension = await surety.read<Address>(surety.oracle, "extension");
    for (const byReference of [false, true]) {
      const call = await delegated({ byReference, domain: { oracle: extension } });
      const direct = { ...call, to: { ...surety.oracle, address: extension } };
      expect(await surety.refused(direct)).toEqual({ error: "CalledDirectly", args: [extension] });
    }
    expect(await surety.balance(extension)).toBe(0n);
  });

  it("by reference too: root and place are signed", async () => {
    const { surety } = scenario;
    const receipt = await surety.send(await delegated({ byReference: true }));
    expect(eventOf(receipt, "RequestedByReference")).toMatchObject({
      requester: signer.address,
      inputRoot,
      uri: URI,
    });
    expect(await isUsed(7n)).toBe(true);
    // What a wallet that asks the contract is told to sign for (ERC-5267): the domain, without salt and extensions.
    const domain = [
      "0x0f",
      "Surety",
      "1",
      BigInt(surety.network.chain.id),
      surety.addresses.oracle,
      ZERO_HASH,
      [],
    ];
    expect(await surety.read(surety.oracle, "eip712Domain")).toEqual(domain);
    const other = await delegated({ byReference: true, delegation: { nonce: 8n }, signed: { uri: "x" } });
    expect(await surety.refused(other)).toMatchObject({ error: "WrongSignature" });
    // What was signed for the bytes does not do for the reference.
    const bytes = await delegated({
      byReference: true,
      delegation: { nonce: 8n },
      signed: { byReference: false },
    });
    expect(await surety.refused(bytes)).toMatchObject({ error: "WrongSignature" });
  });

  it("paid in a token take it from the signer, up to its maximum", async () => {
    const { surety } = scenario;
    const token = tokenOf(surety);
    const fee = TOKEN_PRICES.baseFee + 100_000n * TOKEN_PRICES.callbackGasPrice;
    await token.mint(signer.address, fee);
    await surety.send(token.approval(signer.address, fee));
    const options = { feeToken: token.address };
    expect(await surety.refused(await delegated({ options, delegation: { maxFee: fee - 1n } }))).toEqual({
      error: "FeeAboveMaximum",
      args: [fee, fee - 1n],
    });
    await surety.send(await delegated({ options, delegation: { maxFee: fee } }));
    expect(await token.balanceOf(signer.address)).toBe(0n);
    expect(await token.balanceOf(surety.addresses.oracle)).toBe(fee);
  });

  it("are sent once: a replay reverts NonceUsed, and nonces need no order", async () => {
    const { surety } = scenario;
    const call = await delegated();
    await surety.send(call);
    expect(await surety.refused(call)).toEqual({ error: "NonceUsed", args: [signer.address, 7n] });
    await surety.send(await delegated({ delegation: { nonce: 2n ** 256n - 1n } }));
    await surety.send(await delegated({ delegation: { nonce: 3n } }));
    expect(await Promise.all([3n, 4n, 7n].map(isUsed))).toEqual([true, false, true]);
  });

  it("can be cancelled by the signer alone", async () => {
    const { surety } = scenario;
    const cancel = (from: Address) => ({ from, to: surety.oracle, call: "cancelNonce", args: [7n] });
    await surety.send(cancel(relayer));
    expect(await isUsed(7n)).toBe(false);
    const receipt = await surety.send(cancel(signer.address));
    expect(eventsOf(receipt)).toMatchObject([
      { name: "NonceCancelled", args: { requester: signer.address, nonce: 7n } },
    ]);
    expect(await surety.refused(await delegated())).toMatchObject({ error: "NonceUsed" });
  });

  it("expire", async () => {
    const { surety } = scenario;
    const call = await delegated();
    const validUntil = (await surety.now()) + 100;
    const id = await surety.snapshot();
    expect(await surety.refused({ ...call, time: validUntil + 1 })).toEqual({
      error: "DelegationExpired",
      args: [BigInt(validUntil)],
    });
    await surety.revert(id);
    await surety.send({ ...call, time: validUntil });
  });

  it.each<[string, Changes]>([
    ["for another chain", { domain: { chainId: 1 } }],
    ["for another contract", { domain: { oracle: ZERO_ADDRESS } }],
    ["for another input", { signed: { inputRoot: `0x${"11".repeat(32)}` } }],
    ["for less callback gas", { signedTerms: { callbackGas: 5 } }],
    ["for more at risk", { signedTerms: { valueAtRiskWei: 5n } }],
    ["by somebody else", { requester: "0x00000000000000000000000000000000000000aa" }],
  ])("signed %s revert WrongSignature and use up no nonce", async (_, changes) => {
    const { surety } = scenario;
    const requester = changes.requester ?? signer.address;
    const { error, args } = await surety.refused(await delegated(changes));
    expect([error, (args[0] as string).toLowerCase()]).toEqual(["WrongSignature", requester.toLowerCase()]);
    expect(await isUsed(7n)).toBe(false);
  });

  it("of a contract are checked by it (ERC-1271)", async () => {
    const { surety } = scenario;
    const wallet = await surety.deploy("test-harness/SignerWallet.sol", [signer.address]);
    const receipt = await surety.send(await delegated({ requester: wallet.address }));
    expect(eventOf(receipt, "Requested").requester).toBe(wallet.address);
    const strangers = await surety.deploy("test-harness/SignerWallet.sol", [relayer]);
    expect(
      await surety.refused(await delegated({ requester: strangers.address, delegation: { nonce: 8n } })),
    ).toEqual({ error: "WrongSignature", args: [strangers.address] });
  });
});
