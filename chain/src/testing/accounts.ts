import { mnemonicToAccount } from "viem/accounts";

/** Anvil's and Hardhat's own development mnemonic: every account is funded there and worthless elsewhere. */
const MNEMONIC = "test test test test test test test test test test test junk";

/** Development account number `index`, 0 to 9. */
export function devAccount(index: number) {
  return mnemonicToAccount(MNEMONIC, { addressIndex: index });
}

/** The private key of development account number `index`. */
export function devPrivateKey(index: number): `0x${string}` {
  const key = devAccount(index).getHdKey().privateKey;
  if (key === null) throw new Error("unreachable: a derived account has a private key");
  return `0x${Buffer.from(key).toString("hex")}`;
}
