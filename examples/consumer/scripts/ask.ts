// Deploys DigitConsumer on the devnet (surety devnet, in another terminal), asks it about a drawing, and waits for the callback.
import { existsSync, readFileSync } from "node:fs";
import { requestIdsIn, type SuretyAddresses, suretyActions } from "@surety/client";
import { type Abi, createWalletClient, type Hex, http, publicActions, toHex } from "viem";
import { mnemonicToAccount } from "viem/accounts";
import { foundry } from "viem/chains";

/** What the devnet says of itself. */
const DEVNET = process.env.SURETY_DEVNET ?? ".surety/devnet";
const devnet: { rpcUrl: string; modelId: Hex; addresses: SuretyAddresses } = readJson(
  [`${DEVNET}/devnet.json`],
  "No devnet runs here: start one in another terminal with npm run devnet.",
);
const contract: { abi: Abi; bytecode: Hex | { object: Hex } } = readJson(
  ["artifacts/contracts/DigitConsumer.sol/DigitConsumer.json", "out/DigitConsumer.sol/DigitConsumer.json"],
  "The contract is not compiled yet: npm test does it.",
);
const bytecode = typeof contract.bytecode === "string" ? contract.bytecode : contract.bytecode.object;
const { abi } = contract;

// One of the development accounts that every devnet has filled.
const account = mnemonicToAccount("test test test test test test test test test test test junk", {
  addressIndex: 5,
});
const client = createWalletClient({
  account,
  chain: foundry,
  transport: http(devnet.rpcUrl),
  pollingInterval: 200,
})
  .extend(publicActions)
  .extend(suretyActions(devnet.addresses));

const deployed = await client.waitForTransactionReceipt({
  hash: await client.deployContract({ abi, bytecode, args: [devnet.addresses.oracle, devnet.modelId] }),
});
const address = deployed.contractAddress as Hex;
console.log(`DigitConsumer stands at ${address}`);

// A one: four columns of ink down the middle of 28 x 28 points.
const image = new Float32Array(28 * 28);
for (let y = 4; y < 24; y++) for (let x = 12; x < 16; x++) image[y * 28 + x] = 255;

const value = (await client.readContract({ address, abi, functionName: "feeWei" })) as bigint;
const { timestamp } = await client.getBlock();
const asked = await client.waitForTransactionReceipt({
  hash: await client.writeContract({
    ...{ address, abi, functionName: "ask", value },
    args: [toHex(new Uint8Array(image.buffer)), Number(timestamp) + 3_600],
  }),
});
// The request's number is in the oracle's event; any client can wait for its answer.
const [requestId] = requestIdsIn(devnet.addresses, asked.logs);
if (requestId === undefined) throw new Error("The transaction made no request.");
console.log(`asked: request ${requestId}, ${value} wei`);
await client.waitForResult({
  requestId,
  onPosted: ({ poster }) => console.log(`answered by ${poster}, waiting for the end of the challenge window`),
});
const digit = await client.readContract({ address, abi, functionName: "answerOf", args: [requestId] });
console.log(`final: it is a ${digit}`);

function readJson(files: readonly string[], otherwise: string) {
  const file = files.find(existsSync);
  if (file !== undefined) return JSON.parse(readFileSync(file, "utf8"));
  console.error(otherwise);
  process.exit(1);
}
